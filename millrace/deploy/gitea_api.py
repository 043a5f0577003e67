"""Gitea's REST API: one repository, every fault in one line that tells no token."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from millrace.addresses import without_credentials
from millrace.connection_faults import symptom_of
from millrace.deploy.address import owner_and_name, web_base
from millrace.errors import DeployError
from millrace.settings import Settings

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

_PAGE = 50
"""Pull requests a page: as many as Gitea gives by default."""
_STEP = 0.1
"""Seconds between two tries."""
_REMEDIES = {
    401: "set MILLRACE_FORGE_TOKEN to a token that Gitea knows",
    403: "give the token's user and scopes the right: write:repository and write:issue",
    404: "see that MILLRACE_DEPLOY_REPOSITORY names it and the token's user may see it",
    423: "the repository is archived: open it again",
}


class GiteaError(DeployError):
    """Gitea refuses a request."""

    def __init__(self, status: int, said: str, where: str) -> None:
        self.status = status
        self.said = said
        super().__init__(
            f"Gitea answers with HTTP status {status}",
            where=where,
            found=said,
            remedy=_REMEDIES.get(status, ""),
        )


@dataclass(frozen=True)
class GiteaApi:
    """Requests about one repository."""

    base: str
    """URL of Gitea, as people may see it."""
    owner: str
    name: str
    token: str
    timeout: float

    def call(
        self,
        method: str,
        path: str,
        *,
        content: Mapping[str, object] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Any:
        """Send a request and return its answer; None if that is empty.

        Args:
            method: such as GET.
            path: below the repository, such as `pulls/3`; empty for the repository itself.
            content: what is sent, as JSON.
            query: what follows the question mark.

        Raises:
            GiteaError: it refuses.
            DeployError: it does not answer.
        """
        return _content(self._answer(method, path, content, query))

    def pages(self, path: str, query: Mapping[str, str | int]) -> Iterator[Any]:
        """Give the entries of a list, page by page as they are wanted.

        Gitea gives fewer a page than asked for if it is set up so; it says how many there are.
        """
        number, seen = 1, 0
        while True:
            asked = {**query, "page": number, "limit": _PAGE}
            answer = self._answer("GET", path, None, asked)
            entries = _content(answer) or ()
            yield from entries
            number, seen = number + 1, seen + len(entries)
            total = answer.headers.get("X-Total-Count", "")
            if not entries or (total.isdigit() and seen >= int(total)):
                return

    def _answer(
        self,
        method: str,
        path: str,
        content: Mapping[str, object] | None,
        query: Mapping[str, str | int] | None,
    ) -> Response:
        """Return the answer to a request, which Gitea grants."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                return self._send(method, path, content, query)
            except GiteaError as error:
                if error.status != 404 or not path or time.monotonic() > deadline:
                    raise
                # Gitea notices some time after the first push that there is something.
                if not _content(self._send("GET", "", None, None)).get("empty"):
                    raise
            time.sleep(_STEP)

    def _send(
        self,
        method: str,
        path: str,
        content: Mapping[str, object] | None,
        query: Mapping[str, str | int] | None,
    ) -> Response:
        import requests

        url = f"{self.base}/api/v1/repos/{quote(self.owner)}/{quote(self.name)}/{path}".rstrip("/")
        try:
            answer = self._session.request(
                method,
                url,
                json=content,
                params=query,
                timeout=self.timeout,
                allow_redirects=False,
                auth=self._authorize,
            )
        except requests.RequestException as error:
            raise DeployError(
                f"Gitea {symptom_of(error, self.timeout)}",
                where=url,
                remedy="see that it runs and MILLRACE_FORGE_URL names it",
            ) from None
        if not 200 <= answer.status_code < 300:
            raise GiteaError(answer.status_code, self._said(answer), url)
        return answer

    def _said(self, answer: Response) -> str:
        """Return why it refuses, short and without the token."""
        try:
            content = answer.json()
            text = str(content.get("message") or "") if isinstance(content, dict) else ""
        except ValueError:
            text = ""
        if self.token:
            text = text.replace(self.token, "***")
        return without_credentials(" ".join(text.split()))[:200]

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request with the token; a .netrc of whoever runs this has no say."""
        if self.token:
            request.headers["Authorization"] = f"token {self.token}"
        return request

    @cached_property
    def _session(self) -> Session:
        import requests

        return requests.Session()


def open_api(settings: Settings) -> GiteaApi:
    """Return the API of the Gitea that holds the deploy repository; nothing is asked yet.

    Raises:
        DeployError: the settings do not say where it is.
    """
    owner, name = owner_and_name(settings.deploy_repository)
    base = (settings.forge_url or web_base(settings.deploy_repository)).rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise DeployError(
            "Gitea's base URL is not known",
            where="MILLRACE_FORGE_URL",
            found=without_credentials(base) or "nothing",
            expected="such as https://HOST",
        )
    return GiteaApi(
        base=without_credentials(base),
        owner=owner,
        name=name,
        token=settings.forge_token.get_secret_value(),
        timeout=settings.timeout,
    )


def _content(answer: Response) -> Any:
    """Return what an answer holds; None if it is empty."""
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        raise DeployError(
            "the answer is no JSON, so it is not Gitea's API",
            where=answer.url.partition("?")[0],
            remedy="set MILLRACE_FORGE_URL to Gitea's base URL",
        ) from None
