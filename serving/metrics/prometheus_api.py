"""Prometheus' HTTP API: raw samples of one span of time, and every fault in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from millrace.addresses import without_credentials
from millrace.connection_faults import symptom_of
from millrace.deploy.address import without_login
from millrace.errors import MetricsError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of one answer that are read."""
_PIECE = 65536
_ADDRESS = "see that it runs and MILLRACE_PROMETHEUS names it"
_REMEDIES = {
    401: "put USER:PASSWORD@ before the host in MILLRACE_PROMETHEUS",
    403: "let this user or pod query it",
    404: "set MILLRACE_PROMETHEUS to Prometheus' base URL, with its path prefix if it has one",
    503: "see what it logs; a query that takes too long wants a shorter scrape history",
}


@dataclass(frozen=True)
class Series:
    """The samples of one series.

    Attributes:
        labels: its labels.
        points: Unix time of the scrape in seconds, and value.
    """

    labels: Mapping[str, str]
    points: list[tuple[float, float]]


class PrometheusApi:
    """Queries of one Prometheus, or of what answers as one does."""

    def __init__(
        self,
        url: str,
        timeout: float,
        tell: Callable[[str], None],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Take where it is; nothing is asked yet.

        Args:
            url: its base URL, which may bring a user and a password.
            timeout: seconds that it may take to answer.
            tell: takes what it warns of beside an answer, such as one that is not whole.
            most_bytes: bytes of one answer that are read.

        Raises:
            MetricsError: this is no URL of a server.
        """
        base, self._login = without_login(url.rstrip("/"))
        if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc:
            raise MetricsError(
                "this is no address of a Prometheus",
                where="MILLRACE_PROMETHEUS",
                found=without_credentials(url).rpartition("@")[2] or "nothing",
                expected="such as http://millrace-prometheus.millrace:9090",
            )
        self._url = f"{base}/api/v1/query"
        self._timeout = timeout
        self._tell = tell
        self._most_bytes = most_bytes

    def raw(self, selector: str, since: float, until: float) -> list[Series]:
        """Return the samples with since <= time <= until of all series that a selector names.

        They are as they were scraped: neither aligned to steps nor filled in.

        Raises:
            MetricsError: it does not answer, or not as Prometheus does.
        """
        milliseconds = round((until - since) * 1000) + 2  # the range may be open on the left
        form = {
            "query": f"{selector}[{milliseconds}ms]",
            "time": f"{until:.3f}",
            "timeout": f"{self._timeout:g}s",
        }
        said = self._asked(form)
        for warning in said.get("warnings") or ():
            self._tell(f"{self._url}: {self._hidden(str(warning))}")
        try:
            data = said["data"]
            if data["resultType"] != "matrix":
                raise self._foreign(f"a {data['resultType']}")
            return [_series(one, since, until) for one in data["result"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._foreign("JSON of another shape") from error

    def _asked(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return what a query is answered with, if it succeeds."""
        import requests

        try:
            with self._session.post(
                self._url,
                data=form,
                timeout=self._timeout,
                allow_redirects=False,
                auth=self._authorize,
                stream=True,
            ) as answer:
                content = self._content(answer)
                return self._understood(answer, content)
        except requests.RequestException as error:
            raise self._fault(f"Prometheus {symptom_of(error, self._timeout)}", _ADDRESS) from None

    def _content(self, answer: Response) -> bytes:
        pieces, size = [], 0
        for piece in answer.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > self._most_bytes:
                raise self._fault(
                    f"the answer has more than {self._most_bytes} bytes",
                    "let Prometheus scrape less often, or keep fewer labels of what it scrapes",
                )
        return b"".join(pieces)

    def _understood(self, answer: Response, content: bytes) -> dict[str, Any]:
        status, kind = answer.status_code, answer.headers.get("Content-Type", "").partition(";")[0]
        if 300 <= status < 400:
            raise self._fault(
                "this is not Prometheus itself: it sends on to another page, such as a login",
                "set MILLRACE_PROMETHEUS to an address inside the cluster that needs no login page",
                found=self._hidden(answer.headers.get("Location", "")).partition("?")[0],
            )
        try:
            said = json.loads(content)
        except ValueError:
            said = None
        if not isinstance(said, dict) or "status" not in said:
            if status >= 400:
                raise self._refused(status, "")
            raise self._foreign(kind or "an answer without a Content-Type")
        if status >= 400 or said["status"] != "success":
            raise self._refused(status, str(said.get("error") or said.get("errorType") or ""))
        return said

    def _refused(self, status: int, said: str) -> MetricsError:
        remedy = _REMEDIES.get(status, "see what it logs")
        return self._fault(
            f"Prometheus answers with HTTP status {status}", remedy, found=self._hidden(said)[:200]
        )

    def _foreign(self, found: str) -> MetricsError:
        return self._fault(
            "this is not the answer of Prometheus",
            "set MILLRACE_PROMETHEUS to its base URL; a page for people, such as a login, is none",
            found=found,
        )

    def _fault(self, problem: str, remedy: str, *, found: str = "") -> MetricsError:
        return MetricsError(problem, where=self._url, found=found, remedy=remedy)

    def _hidden(self, text: str) -> str:
        if self._login:
            text = text.replace(self._login.partition(":")[2] or self._login, "***")
        return without_credentials(" ".join(text.split()))

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request with the URL's user; a .netrc of whoever runs this has no say."""
        from requests.auth import HTTPBasicAuth

        if not self._login:
            return request
        user, _, password = self._login.partition(":")
        return HTTPBasicAuth(user.encode(), password.encode())(request)

    @cached_property
    def _session(self) -> Session:
        import requests

        return requests.Session()


def _series(one: Mapping[str, Any], since: float, until: float) -> Series:
    points = [(float(time), float(value)) for time, value in one.get("values", ())]
    labels = {str(name): str(value) for name, value in one["metric"].items()}
    return Series(labels, [point for point in points if since <= point[0] <= until])
