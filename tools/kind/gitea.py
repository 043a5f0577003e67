"""The little that is asked of Gitea to have a deploy repository."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import requests

from millrace.errors import MillraceError
from tools.kind.ports import reached

URL = f"http://{reached(30030)}"
USER = "millrace"
REPOSITORY = "deploy"
SCOPES = ["write:repository", "write:issue", "read:user"]


class Gitea:
    """Gitea's API in the name of the platform's account."""

    def __init__(self, password: str) -> None:
        """Take the account's password."""
        self._password = password

    def answers(self) -> bool:
        """Return whether Gitea is up."""
        try:
            return bool(requests.get(f"{URL}/api/healthz", timeout=5).ok)
        except requests.RequestException:
            return False

    def knows_us(self) -> bool:
        """Return whether the account is there."""
        return bool(self._ask("GET", "/user").ok)

    def takes(self, token: str) -> bool:
        """Return whether a token works."""
        headers = {"Authorization": f"token {token}"}
        return bool(requests.get(f"{URL}/api/v1/user", headers=headers, timeout=10).ok)

    def make_repository(self) -> None:
        """Make the deploy repository, unless it is there."""
        if not self._ask("GET", f"/repos/{USER}/{REPOSITORY}").ok:
            made = {"name": REPOSITORY, "auto_init": True, "default_branch": "main"}
            self._done("POST", "/user/repos", made)

    def new_token(self) -> str:
        """Return a new token."""
        name = f"platform-{token_hex(4)}"
        made = self._done("POST", f"/users/{USER}/tokens", {"name": name, "scopes": SCOPES})
        return str(made["sha1"])

    def _ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        try:
            return requests.request(
                method,
                f"{URL}/api/v1{path}",
                json=body,
                auth=(USER, self._password),
                timeout=30,
            )
        except requests.RequestException as error:
            raise MillraceError("Gitea does not answer", where=URL, found=str(error)) from error

    def _done(self, method: str, path: str, body: Any) -> Any:
        answer = self._ask(method, path, body)
        if not answer.ok:
            raise MillraceError(f"Gitea refused: {answer.text[:200]}", where=f"{URL}{path}")
        return answer.json()
