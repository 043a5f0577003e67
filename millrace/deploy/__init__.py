"""The deploy repository: what serves, and the pull requests that change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from millrace.deploy.base import Changes, Commit, FileChange, Forge, PullRequest, Repository

if TYPE_CHECKING:
    from millrace.settings import Settings


def open_repository(settings: Settings) -> Repository:
    """Return the deploy repository of an installation; it is asked once a method is called."""
    from millrace.deploy.place import open_place
    from millrace.deploy.repository import GitRepository

    return GitRepository(open_place(settings))


def open_forge(settings: Settings, *, person: bool = False) -> Forge:
    """Return the pull requests of an installation; they are asked once a method is called.

    Args:
        settings: where the deploy repository and its forge are.
        person: whether a person sits before it, whose name and mail, as Git knows them, then
            stand in the commits of local merges.
    """
    from millrace.deploy.place import open_place

    place = open_place(settings, person=person)
    if settings.forge == "gitea":
        from millrace.deploy.gitea_api import open_api
        from millrace.deploy.gitea_forge import GiteaForge

        return GiteaForge(place, open_api(settings))
    from millrace.deploy.local_forge import LocalForge

    return LocalForge(place)


__all__ = [
    "Changes",
    "Commit",
    "FileChange",
    "Forge",
    "PullRequest",
    "Repository",
    "open_forge",
    "open_repository",
]
