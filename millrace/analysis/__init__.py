"""Judge a canary against the stable arm by evidence that holds however often one looks."""

from millrace.analysis.counts import ArmCounts, Interval
from millrace.analysis.judge import Limits, judge
from millrace.analysis.judgement import IndicatorEvidence, Judgement
from millrace.analysis.reasons import odds

__all__ = ["ArmCounts", "IndicatorEvidence", "Interval", "Judgement", "Limits", "judge", "odds"]
