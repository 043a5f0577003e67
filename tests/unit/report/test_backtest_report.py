"""The report of a backtest: what a reader finds in it, and what must never be in it."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from html_checks import read
from report_backtests import BACKTESTS, ageing, estimate, one_model, with_problems

from millrace.backtest import Backtest
from millrace.report.ageing import charts_of
from millrace.report.backtest import means, period_rows, render_backtest, summed_up
from millrace.report.chart import WIDTH
from millrace.report.text import mean, number

HOSTILE = "\"'><script>alert(1)</script><img src=http://evil.example onerror=alert(1)>&amp;{{7*7}}"


@pytest.fixture(params=BACKTESTS)
def any_backtest(request: pytest.FixtureRequest) -> Backtest:
    return BACKTESTS[request.param]()


def test_every_backtest_gives_a_well_formed_page(any_backtest: Backtest) -> None:
    html = render_backtest(any_backtest)
    page = read(html)
    assert html.startswith("<!doctype html>")
    assert page.faults == []
    assert "nan" not in page.visible.lower().split()
    assert "None" not in page.visible


def test_nothing_is_requested_and_nothing_runs(any_backtest: Backtest) -> None:
    html = render_backtest(any_backtest)
    page = read(html)
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(page.tags)
    assert all(value.startswith("#") for value in page.values("href"))
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.values("content")


@pytest.mark.parametrize("name", ["pays", "problems", "nothing"])
def test_hostile_names_and_reasons_are_inert(name: str) -> None:
    def page_with(text: str) -> str:
        found = BACKTESTS[name]()
        turns = [
            turn.model_copy(
                update={
                    "reason": text,
                    "period": turn.period.model_copy(
                        update={"problem": text if turn.period.problem else ""}
                    )
                    if turn.period
                    else None,
                }
            )
            for turn in found.turns
        ]
        return render_backtest(found.model_copy(update={"workload": text, "turns": turns}))

    page = read(page_with(HOSTILE))
    assert page.tags == read(page_with("x")).tags
    assert page.faults == []
    assert HOSTILE in page.visible
    assert "<script" not in page_with(HOSTILE)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("pays", "Retraining pays"),
        ("hurts", "Retraining hurts"),
        ("unclear", "No clear gain"),
        ("numbers", "Retraining pays"),
        ("one_model", "Never replaced"),
        ("one_turn", "Nothing to compare"),
        ("nothing", "Nothing to compare"),
    ],
)
def test_the_verdict_comes_first_then_what_it_stands_on(name: str, word: str) -> None:
    found = BACKTESTS[name]()
    page = read(render_backtest(found))
    assert page.text_of("h1") == [word]
    assert page.visible.startswith(f"flights, backtest {word} {summed_up(found)}")


def test_the_headline_says_what_retraining_was_worth() -> None:
    assert summed_up(ageing()) == (
        "6 of 8 turns would have released a model. Over 7 periods the first model alone had a mean "
        "ROC AUC of 0.796, with retraining it was 0.846: a gain of +0.050 (+0.042 to +0.058)."
    )


def test_a_smaller_error_is_told_as_a_gain() -> None:
    found = ageing(metric="rmse", unit=5000.0)
    assert (
        "mean RMSE of 4,020.000, with retraining it was 3,770.000: a gain of +250.000"
        in summed_up(found)
    )
    visible = read(render_backtest(found)).visible
    assert "Lower is better" in visible
    assert "(lower is better)" in visible
    assert "positives" not in visible


def test_where_nothing_was_replaced_no_gain_is_claimed() -> None:
    told = summed_up(one_model())
    assert told.endswith("The first model answered throughout: mean ROC AUC 0.796 in 7 periods.")


def test_numbers_in_table_page_and_document_are_the_same() -> None:
    found = with_problems()
    visible = read(render_backtest(found)).visible
    kept = json.loads(found.model_dump_json())
    rows = period_rows(found)
    periods = [turn["period"] for turn in kept["turns"] if turn["period"]]
    assert len(rows) == len(periods)
    for row, period in zip(rows, periods, strict=True):
        scores = [showing["score"]["value"] for showing in period["showings"]]
        told = [number(score) for score in scores]
        assert row.events == f"{period['rows']:,}"
        assert row.mean_label == mean(period["mean_label"])
        assert row.problem == period["problem"]
        assert " ".join([row.events, row.mean_label, *(told or [row.problem])]) in visible
        assert not told or row.scores == told
    measured = [p for p in periods if p["showings"]]
    for place, score in enumerate(means(found).values()):
        values = [period["showings"][place]["score"]["value"] for period in measured]
        assert score == pytest.approx(sum(values) / len(values))
    assert " ".join(["Mean of 4 periods", *map(number, means(found).values())]) in visible


def test_the_gain_is_the_mean_of_all_periods_and_surer_than_any_of_them() -> None:
    found = ageing()
    assert found.gain is not None
    assert found.gain.value == pytest.approx(0.05)
    assert found.gain.high - found.gain.value == pytest.approx(0.02 / 7**0.5)


def test_a_page_that_is_not_whole_says_how_far_it_is() -> None:
    assert "Done 8 of 12 turns" in read(render_backtest(with_problems())).visible
    assert "Done" not in read(render_backtest(ageing())).visible


@pytest.mark.parametrize("name", ["pays", "many", "hours", "years", "two_turns", "problems"])
def test_dates_stand_apart_and_inside_however_many_turns_there_were(name: str) -> None:
    found = BACKTESTS[name]()
    for chart in charts_of(found, means(found), 3):
        places = [tick.at for tick in chart.x_ticks]
        assert 1 <= len(places) <= 6
        assert all(later - earlier >= 50 for earlier, later in pairwise(places))
        assert all(0 < place < WIDTH for place in places)
        labels = [tick.label for tick in chart.x_ticks]
        assert len(set(labels)) == len(labels)


def test_dates_say_the_year_where_there_are_several_and_the_hour_within_days() -> None:
    def labels(name: str) -> list[str]:
        found = BACKTESTS[name]()
        return [tick.label for tick in charts_of(found, means(found), 3)[0].x_ticks]

    assert labels("years")[0] == "Mar 2024"
    assert labels("pays")[0] == "8 Jan"
    assert labels("hours") == ["1 Jan, 06:00", "2 Jan, 00:00", "2 Jan, 18:00"]


def test_few_periods_are_marked_and_many_are_not() -> None:
    few, many = (render_backtest(BACKTESTS[name]()) for name in ("pays", "many"))
    assert few.count('class="dot"') == 4 * 7
    assert many.count('class="dot"') == 0
    assert len(many.encode()) < 3_000_000


def test_what_cannot_be_measured_is_charted_as_far_as_it_is_known() -> None:
    found = with_problems()
    scores, labels = charts_of(found, means(found), 3)
    assert [len(line.marks) for line in scores.lines] == [4, 4, 4]
    assert len(labels.lines[0].marks) == 6


def test_rare_positives_are_not_told_as_none() -> None:
    assert mean(0.00042) == "0.000420"
    assert (mean(0.25), mean(0.0), mean(None), mean(1234.5)) == ("0.250", "0.000", "–", "1,234.500")


def test_scores_have_as_many_decimals_as_their_intervals_are_worth() -> None:
    found = ageing(2)
    turn = found.turns[0].model_copy(update={"score": estimate(0.8, 0.00004)})
    assert " 0.810 " in read(render_backtest(found)).visible
    period = found.turns[1].period
    assert period is not None
    fine = [s.model_copy(update={"score": estimate(0.8, 0.00004)}) for s in period.showings]
    last = found.turns[1].model_copy(
        update={"score": turn.score, "period": period.model_copy(update={"showings": fine})}
    )
    visible = read(render_backtest(found.model_copy(update={"turns": [turn, last]}))).visible
    assert "0.800000" in visible


def test_the_same_backtest_gives_the_same_page() -> None:
    found = with_problems()
    copy = Backtest.model_validate_json(found.model_dump_json())
    assert render_backtest(copy) == render_backtest(found)
