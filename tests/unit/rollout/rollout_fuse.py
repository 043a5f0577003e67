"""Kills of a process at any of its operations, and others who come in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rollout_git import Git

from millrace.errors import DeployError


class Killed(BaseException):
    """The process is gone."""


class Fuse:
    """Kills the process before or after one of its next operations, or lets others come between."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.others: Callable[[], None] | None = None
        self.down = False

    def guard(self, inner: Any) -> Any:
        fuse = self

        class Guarded:
            def __getattr__(self, name: str) -> Any:
                method = getattr(inner, name)

                def call(*args: Any, **kwargs: Any) -> Any:
                    fuse.burn()
                    if fuse.down and inner.__class__ is Git:
                        raise DeployError("the deploy repository does not answer")
                    told = method(*args, **kwargs)
                    fuse.burn()
                    return told

                return call

        return Guarded()

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                others, self.others, self.left = self.others, None, None
                if others is None:
                    raise Killed
                others()
