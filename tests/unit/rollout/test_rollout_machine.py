"""Whatever happens, wherever a controller is killed: no step lost, none twice, nothing unsafe."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test
from machine_controllers import permission
from machine_people import People
from rollout_memory import remember

from millrace.errors import ConflictError
from serving.rollout.own import is_intent


class RolloutMachine(People):
    """All of it, from some moment of a trial to a settled end."""

    @initialize(
        advance=permission,
        promote=permission,
        rollback=permission,
        endless=st.booleans(),
        begun=st.integers(0, 3),
    )
    def some_of_it_has_happened(
        self, advance: str, promote: str, rollback: str, endless: bool, begun: int
    ) -> None:
        self.set_up(advance, promote, rollback, endless)
        if begun:
            self.a_candidate_arrives(merged=True)
        if begun > 1:
            self.time_passes_with_controllers(minutes=begun - 1)

    def teardown(self) -> None:
        if not hasattr(self, "git"):
            return
        self.all_is_well_again()
        for _ in range(60):
            self.arms_become_ready()
            self.time_passes(30)
            for name in "aba":
                self.look(name, 2)
            self.a_person_merges_what_is_ready()
            if self.on_trial() is False:
                break
        self.time_passes_with_controllers(2)
        self.check_settled()

    def all_is_well_again(self) -> None:
        self.faults_come_and_go(lost=False, unscraped=False, down=False, away=False)
        self.the_forge_is_difficult(refuses=False, forgetful=False)
        self.a_person_mends_the_file()
        for one in self.held():
            self.git.mark(one.number, draft=False)
        for pull in self.git.pulls.values():
            pull.pushed = False
        self.controllers = {name: self.controller(name) for name in "ab"}

    def a_person_merges_what_is_ready(self) -> None:
        for pull in self.git.pull_requests():
            if not pull.draft and not is_intent(pull):
                with suppress(ConflictError):
                    self.git.merge(pull.number)


RolloutMachine.TestCase.settings = settings(max_examples=1)


@pytest.mark.slow
def test_no_step_is_lost_or_taken_twice_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    remember(monkeypatch.setattr)
    run_state_machine_as_test(
        RolloutMachine,
        settings=settings(
            max_examples=120,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )
