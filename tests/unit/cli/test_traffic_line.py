"""The one line that `millrace traffic` tells of its requests."""

from cli.commands.traffic import _line
from serving.traffic.ledger import Ledger


def test_answers_are_summed_and_each_code_has_its_protocol() -> None:
    ledger = Ledger()
    for code, count in (("200", 1197), ("503", 2), ("OK", 47)):
        for _ in range(count):
            ledger.answer(code, "1", 0.001)
    line = _line(ledger.report("http://pumps"))
    assert "answered 1,246 (HTTP 200: 1,197, HTTP 503: 2, gRPC OK: 47), lost 0" in line


def test_no_answer_is_none() -> None:
    assert "answered none, lost 0" in _line(Ledger().report("http://pumps"))
