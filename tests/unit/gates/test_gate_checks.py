import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.evaluation.result import HIGHER_IS_BETTER, Estimate
from millrace.gates.checks import check
from millrace.workload.gates import (
    BaselineGate,
    ChampionGate,
    FloorGate,
    LatencyGate,
    ParityGate,
    SizeGate,
    SliceGate,
)
from millrace.workload.target import BINARY_METRICS

GAP = SliceGate(slice="region", metric="roc_auc", gap=0.05)
shares = st.floats(0, 1)


def between(low, value, high):
    return Estimate(value=value, low=low, high=high)


@pytest.mark.parametrize(
    ("gate", "value", "outcome"),
    [
        (FloorGate(metric="roc_auc", min=0.82), 0.82, "pass"),
        (FloorGate(metric="roc_auc", min=0.82), 0.81999, "fail"),
        (FloorGate(metric="calibration_error", max=0.06), 0.06, "pass"),
        (FloorGate(metric="calibration_error", max=0.06), 0.06001, "fail"),
        (FloorGate(metric="log_loss", max=0.0), 0.1, "fail"),
    ],
)
def test_a_bound_itself_is_good_enough(evaluated, gate, value, outcome):
    result = check(gate, evaluated(value))
    assert (result.outcome, result.value) == (outcome, value)


def test_a_metric_gate_says_what_is_checked_and_what_was_measured(evaluated):
    result = check(FloorGate(metric="roc_auc", min=0.82), evaluated(0.846))
    assert result.gate == "roc_auc >= 0.82"
    assert result.evidence == "0.846 (95 % interval 0.826 to 0.866)"
    assert result.limit == 0.82
    assert check(FloorGate(metric="brier", max=0.2), evaluated()).gate == "brier <= 0.2"


@given(shares, shares, shares)
def test_a_higher_candidate_never_turns_a_pass_into_a_fail(evaluated, value, higher, bound):
    value, higher = sorted((value, higher))
    champion = {"champion": 0.5, "logistic_regression": 0.5}
    gates = [
        FloorGate(metric="roc_auc", min=bound),
        ChampionGate(champion="roc_auc", margin=bound),
        BaselineGate(baseline="roc_auc", margin=bound),
    ]
    for gate in gates:
        before = check(gate, evaluated(value, champion)).outcome
        after = check(gate, evaluated(higher, champion)).outcome
        assert (before, after) != ("pass", "fail")


@pytest.mark.parametrize(
    ("low", "outcome"), [(-0.0099, "pass"), (-0.01, "fail"), (-0.0101, "fail"), (0.2, "pass")]
)
def test_the_lower_bound_must_lie_above_the_margin(evaluated, low, outcome):
    others = {"champion": 0.84, "logistic_regression": 0.8}
    differences = dict.fromkeys(others, between(low, 0.25, 0.3))
    found = evaluated(0.85, others, differences)
    for gate in (ChampionGate(champion="roc_auc"), BaselineGate(baseline="roc_auc")):
        result = check(gate, found)
        assert (result.outcome, result.value, result.limit) == (outcome, low, -0.01)


def test_a_comparison_says_by_how_much_and_with_what(evaluated):
    found = evaluated(0.85, {"champion": 0.84}, {"champion": between(-0.0034, 0.0041, 0.0123)})
    result = check(ChampionGate(champion="roc_auc"), found)
    assert result.gate == "roc_auc not worse than champion by 0.01"
    assert result.evidence == "+0.0041 (95 % interval -0.0034 to +0.0123) to champion's 0.840"
    without = check(ChampionGate(champion="roc_auc"), found.model_copy(update={"excluded": 12}))
    assert without.evidence.endswith("; without 12 rows that it had trained on")


def test_the_first_candidate_has_no_champion(evaluated):
    result = check(ChampionGate(champion="brier"), evaluated())
    assert (result.outcome, result.evidence) == ("not applicable", "no champion: this is the first")


def test_a_champion_that_cannot_be_compared_fails_the_gate(evaluated):
    found = evaluated(champion_problem="it needs 'mood'")
    result = check(ChampionGate(champion="roc_auc"), found)
    assert (result.outcome, result.evidence) == ("fail", "cannot be compared: it needs 'mood'")


@pytest.mark.parametrize("metric", BINARY_METRICS)
def test_the_better_baseline_is_the_one_that_counts(evaluated, metric):
    others = {"logistic_regression": 0.3, "gradient_boosting": 0.4}
    differences = {
        "logistic_regression": between(0.001, 0.001, 0.001),
        "gradient_boosting": between(0.002, 0.002, 0.002),
    }
    result = check(BaselineGate(baseline=metric), evaluated(0.5, others, differences))
    higher = HIGHER_IS_BETTER[metric]
    assert result.value == (0.002 if higher else 0.001)
    assert ("gradient boosting's 0.400" in result.evidence) == higher
    assert result.gate == f"{metric} not worse than the better baseline by 0.01"


@pytest.mark.parametrize("metric", ["rmse", "mae", "pinball"])
@pytest.mark.parametrize(
    ("low", "outcome"), [(-0.0799, "pass"), (-0.08, "fail"), (-0.0801, "fail"), (0.2, "pass")]
)
def test_an_error_in_the_unit_of_the_label_may_be_worse_by_a_share_of_the_others(
    evaluated, metric, low, outcome
):
    others = {"champion": 4.0, "ridge_regression": 4.0}
    found = evaluated(4.05, others, dict.fromkeys(others, between(low, 0.25, 0.3)))
    for gate in (
        ChampionGate(champion=metric, margin=0.02),
        BaselineGate(baseline=metric, margin=0.02),
    ):
        result = check(gate, found)
        assert (result.outcome, result.value, result.limit) == (outcome, low, -0.08)
        assert result.gate.endswith("by 2 %")
        assert result.evidence.endswith("'s 4.000, of which 2 % is 0.08")


def test_a_share_of_a_champion_that_there_is_not_has_no_limit(evaluated):
    first = check(ChampionGate(champion="rmse"), evaluated())
    assert (first.outcome, first.limit) == ("not applicable", None)
    assert first.gate == "rmse not worse than champion by 1 %"
    broken = check(ChampionGate(champion="rmse"), evaluated(champion_problem="it needs 'mood'"))
    assert (broken.outcome, broken.limit) == ("fail", None)


def test_the_coverage_of_quantiles_is_a_share_already(evaluated):
    found = evaluated(0.05, {"champion": 0.04}, {"champion": between(-0.005, 0.0, 0.005)})
    result = check(ChampionGate(champion="coverage_error"), found)
    assert (result.outcome, result.limit) == ("pass", -0.01)
    assert result.gate == "coverage_error not worse than champion by 0.01"


def test_a_greatest_error_is_told_in_the_unit_of_the_label(evaluated):
    result = check(FloorGate(metric="rmse", max=5), evaluated(4.25))
    assert (result.gate, result.outcome) == ("rmse <= 5", "pass")
    assert result.evidence == "4.250 (95 % interval 4.230 to 4.270)"


def test_without_baselines_there_is_nothing_to_compare_with(evaluated):
    result = check(BaselineGate(baseline="roc_auc"), evaluated(others={}))
    assert result.outcome == "not applicable"


@pytest.mark.parametrize(
    ("low", "value", "outcome"),
    [(0.05, 0.08, "pass"), (0.0501, 0.08, "fail"), (0.0, 0.08, "pass"), (0.0, 0.0, "pass")],
)
def test_a_gap_fails_only_when_it_is_surely_too_wide(evaluated, sliced, low, value, outcome):
    found = evaluated(slices=[sliced(between(low, value, 0.2))])
    result = check(GAP, found)
    assert (result.outcome, result.value, result.limit) == (outcome, low, 0.05)


@given(shares, shares, shares)
def test_a_wider_gap_never_turns_a_fail_into_a_pass(evaluated, sliced, low, wider, limit):
    low, wider = sorted((low, wider))
    gate = SliceGate(slice="region", metric="roc_auc", gap=max(limit, 0.01))
    before, after = (
        check(gate, evaluated(slices=[sliced(between(bound, 1.0, 1.0))])) for bound in (low, wider)
    )
    assert (before.outcome, after.outcome) != ("fail", "pass")


def test_a_gap_names_the_two_extreme_groups(evaluated, sliced):
    found = evaluated(slices=[sliced(between(0.06, 0.1, 0.14), groups=4)])
    result = check(GAP, found)
    assert result.gate == "roc_auc gap by region <= 0.05"
    assert result.evidence == (
        "0.100 (95 % interval 0.060 to 0.140): 0.700 for south, 0.800 for north"
    )


def test_a_wide_gap_that_may_be_chance_passes_and_says_so(evaluated, sliced):
    result = check(GAP, evaluated(slices=[sliced(between(0.01, 0.08, 0.15))]))
    assert result.outcome == "pass"
    assert "not surely above the limit" in result.evidence


@pytest.mark.parametrize("groups", [0, 1])
def test_fewer_than_two_groups_have_no_gap(evaluated, sliced, groups):
    found = evaluated(slices=[sliced(between(0, 0, 0), groups=groups)])
    assert check(GAP, found).outcome == "not applicable"


@pytest.mark.parametrize(("parity", "outcome"), [(1e-5, "pass"), (1.01e-5, "fail"), (0.0, "pass")])
def test_onnx_must_equal_torch_within_a_limit(evaluated, parity, outcome):
    result = check(ParityGate(parity=1e-5), evaluated(parity=parity))
    assert (result.gate, result.outcome) == ("ONNX equals torch within 1e-05", outcome)
    assert result.evidence.endswith("in row 17 of test.parquet")


def test_an_answer_that_is_no_number_is_no_equality(evaluated):
    result = check(ParityGate(parity=1e300), evaluated(parity=sys.float_info.max))
    assert (result.outcome, result.evidence) == (
        "fail",
        "no number from torch in row 17 of test.parquet",
    )


@pytest.mark.parametrize(("p99", "outcome"), [(0.005, "pass"), (0.00501, "fail")])
def test_the_99th_percentile_must_be_within_the_latency(evaluated, p99, outcome):
    found = evaluated(latency={"p50": 1.1e-5, "p99": p99})
    result = check(LatencyGate(latency=timedelta(milliseconds=5)), found)
    assert (result.gate, result.outcome) == ("p99 latency <= 5 ms", outcome)
    assert result.evidence == f"{p99 * 1000:g} ms for one row on one thread (median 11 µs)"


@pytest.mark.parametrize(("size", "outcome"), [(5_000_000, "pass"), (5_000_001, "fail")])
def test_the_graph_must_be_within_the_size(evaluated, size, outcome):
    result = check(SizeGate.model_validate({"size": "5MB"}), evaluated(model_size=size))
    assert (result.gate, result.outcome) == ("model.onnx <= 5 MB", outcome)


def test_a_gate_of_an_unknown_kind_is_a_fault_of_ours(evaluated):
    with pytest.raises(TypeError, match="no check for str"):
        check("roc_auc", evaluated())
