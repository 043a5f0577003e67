"""The text of pull requests: what a person needs to decide, and a trailer that tools find."""

from millrace.release.evidence.candidate import CandidateFacts, candidate_text
from millrace.release.evidence.judged import judged_text
from millrace.release.evidence.kept import restore_text
from millrace.release.evidence.markdown import Text
from millrace.release.evidence.trailer import Trailer, read_trailer

__all__ = [
    "CandidateFacts",
    "Text",
    "Trailer",
    "candidate_text",
    "judged_text",
    "read_trailer",
    "restore_text",
]
