"""A workload's release: the files in the deploy repository, and every change to them."""

from millrace.release.arms import canary_arm
from millrace.release.changes import (
    advance,
    applied,
    finish_promotion,
    finish_roll_back,
    promote,
    propose_candidate,
    roll_back,
    weight_at,
)
from millrace.release.documents import ArmRef, Canary, Phase, Position, Release
from millrace.release.layout import Site, Verb, arm_file, arm_name, branch_of, has_release, site_of
from millrace.release.reading import Desired, read_desired, read_release
from millrace.release.writing import first_release, write_release

__all__ = [
    "ArmRef",
    "Canary",
    "Desired",
    "Phase",
    "Position",
    "Release",
    "Site",
    "Verb",
    "advance",
    "applied",
    "arm_file",
    "arm_name",
    "branch_of",
    "canary_arm",
    "finish_promotion",
    "finish_roll_back",
    "first_release",
    "has_release",
    "promote",
    "propose_candidate",
    "read_desired",
    "read_release",
    "roll_back",
    "site_of",
    "weight_at",
    "write_release",
]
