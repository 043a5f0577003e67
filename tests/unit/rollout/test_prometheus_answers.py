"""Whatever stands where Prometheus should, one line says what it is and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from prometheus_server import EMPTY, Answers, prometheus_server
from structlog.testing import LogCapture

from millrace.errors import MetricsError
from serving.metrics.prometheus import open_prometheus
from serving.metrics.prometheus_api import PrometheusApi, Series

MATRIX = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [
            {
                "metric": {"__name__": "up", "pod": "a"},
                "values": [[99.5, "1"], [100, "2"], [105.25, "3"], [110, "NaN"]],
            }
        ],
    },
}


@pytest.fixture
def answers() -> Iterator[Answers]:
    with prometheus_server() as server:
        yield server


def asked(answers: Answers, url: str = "", timeout: float = 5.0, **more: int) -> list[Series]:
    api = PrometheusApi(url or answers.url, timeout, pytest.fail, **more)
    return api.raw('up{pod="a"}', 100.0, 110.0)


def refused(answers: Answers, url: str = "", timeout: float = 5.0, **more: int) -> str:
    with pytest.raises(MetricsError) as raised:
        asked(answers, url, timeout, **more)
    told = str(raised.value)
    assert "\n" not in told
    assert raised.value.remedy
    return told


def test_samples_are_raw_with_the_times_of_their_scrapes(answers: Answers) -> None:
    answers.say(MATRIX)
    (series,) = asked(answers)
    assert series.labels["pod"] == "a"
    assert series.points[:2] == [(100.0, 2.0), (105.25, 3.0)]
    assert len(series.points) == 3
    assert answers.queries == [
        {"query": 'up{pod="a"}[10002ms]', "time": "110.000", "timeout": "5s"}
    ]


def test_a_user_in_the_address_is_sent_and_never_told(answers: Answers) -> None:
    url = answers.url.replace("//", "//eve:s3cret@")
    asked(answers, url)
    assert answers.authorization == ["Basic ZXZlOnMzY3JldA=="]
    answers.say({"status": "error", "error": "no user eve with s3cret"}, 401)
    told = refused(answers, url)
    assert "s3cret" not in told
    assert f"{answers.url}/api/v1/query" in told
    assert "401" in told


def test_what_prometheus_refuses_is_told_in_its_words(answers: Answers) -> None:
    answers.say({"status": "error", "errorType": "bad_data", "error": "parse error: x"}, 400)
    assert "parse error: x" in refused(answers)
    answers.say({"status": "error", "errorType": "timeout", "error": "query timed out"}, 503)
    assert "query timed out" in refused(answers)


def test_an_answer_that_is_not_whole_is_told_and_used(answers: Answers) -> None:
    answers.say({**MATRIX, "warnings": ["store eve:s3cret@x is down"]})
    told: list[str] = []
    (series,) = PrometheusApi(answers.url, 5.0, told.append).raw("up", 100.0, 110.0)
    assert len(series.points) == 3
    assert len(told) == 1
    assert "is down" in told[0]


def test_a_warning_that_comes_with_every_answer_is_logged_once(answers: Answers) -> None:
    log = LogCapture()
    structlog.configure(processors=[log])
    api = open_prometheus(answers.url, 5.0)
    for warning in ("a store is down", "a store is down", "two stores are down"):
        answers.say({**MATRIX, "warnings": [warning]})
        api.raw("up", 100.0, 110.0)
    assert [one["event"] for one in log.entries] == ["prometheus_warned"] * 2


def test_a_login_page_is_called_one(answers: Answers) -> None:
    answers.say(b"<!doctype html><title>Sign in</title>", Content_Type="text/html; charset=utf-8")
    told = refused(answers)
    assert "text/html" in told
    assert "login" in told
    answers.say(b"", 302, Location="https://sso.example/login?state=s3cret")
    told = refused(answers)
    assert "login" in told
    assert "s3cret" not in told


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"status": "success"}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, '
        b'"values": [["x", "y"]]}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": {"a": 1}}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": []}}',
        b'{"status": "success", "data": [',
    ],
)
def test_what_is_not_the_answer_of_prometheus_is_no_crash(answers: Answers, content: bytes) -> None:
    answers.say(content)
    assert "not the answer of Prometheus" in refused(answers)


def test_an_error_page_of_a_proxy_is_told_by_its_status(answers: Answers) -> None:
    answers.say(b"<html>Bad gateway</html>", 502, Content_Type="text/html")
    assert "502" in refused(answers)


def test_an_answer_without_end_is_not_read_to_its_end(answers: Answers) -> None:
    answers.say(EMPTY)
    assert "more than 20 bytes" in refused(answers, most_bytes=20)


def test_one_that_does_not_answer_is_waited_for_no_longer_than_asked(answers: Answers) -> None:
    answers.status = 0
    assert "did not answer within 0.2 s" in refused(answers, timeout=0.2)
    assert "refuses the connection" in refused(answers, "http://127.0.0.1:1")


@pytest.mark.parametrize("url", ["prometheus:9090", "", "ftp://eve:s3cret@x", "http://"])
def test_an_address_of_no_server_names_the_setting(url: str) -> None:
    with pytest.raises(MetricsError, match="MILLRACE_PROMETHEUS") as raised:
        PrometheusApi(url, 1.0, pytest.fail)
    assert "s3cret" not in str(raised.value)
