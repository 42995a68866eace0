"""A hot swap as admins see it: its steps, who may decide, and that the old version serves whenever something is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, PortalError, StoredError
from core.inference.requests import GenerationRequest
from core.models.load_settings import LoadSettings
from core.models.start_records import StartModel
from core.models.swaps.canary import in_language, trouble
from core.models.swaps.records import Decision, Swap, SwapOptions, SwapState, Trial, VersionStats
from core.models.swaps.replays import GateResult, gate_result, likeness, overridden
from core.models.swaps.swaps import Swaps
from core.people.accounts import Accounts
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from core.tasks.jobs import Jobs
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from models.serving.state_files.start_list import FileStartList
from models.serving.swapping.pattern_finder import ProcessPatternFinder
from tests.fake_swaps import FAILED, FakeSuccessions, well
from tests.unit.core.conftest import SERVER, MovingClock

NEW = Path("/models/new.gguf")
QUICK = SwapOptions(watch_s=0)
PATIENCE_S = 60


@pytest.fixture
def successions() -> FakeSuccessions:
    return FakeSuccessions()


@pytest.fixture
def start_list(tmp_path: Path) -> FileStartList:
    return FileStartList(tmp_path / "start_models.json")


@pytest.fixture
def swaps(
    unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, successions: FakeSuccessions, start_list: FileStartList
) -> Swaps:
    return Swaps(unit_of_work, clock, jobs, SERVER, successions, ProcessPatternFinder(), start_list, lambda name: True)


@pytest.fixture
def worker(swaps: Swaps, working: Callable[..., JobWorker]) -> JobWorker:
    return working(swaps.job_kinds())


def ended(swaps: Swaps, admin: User, swap: Swap) -> Swap:
    return until(swaps, admin, swap, lambda now: not now.active)


def until(swaps: Swaps, admin: User, swap: Swap, come: Callable[[Swap], bool]) -> Swap:
    deadline = time.monotonic() + PATIENCE_S
    while not come(now := swaps.get(admin, swap.id)):
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def states(swap: Swap) -> dict[str, str]:
    return {step.kind.value: step.state.value for step in swap.steps}


def says(text: str, **changes: object) -> Callable[[GenerationRequest], Trial]:
    return lambda request: replace(well(request), text=text, **changes)  # type: ignore[arg-type]


@pytest.mark.usefixtures("worker")
def test_a_swap_goes_through_its_steps(
    swaps: Swaps, successions: FakeSuccessions, start_list: FileStartList, unit_of_work: UnitOfWorkFactory, admin: User, clock: MovingClock
) -> None:
    done = ended(swaps, admin, swaps.start(admin, "fake", NEW, QUICK))
    assert (done.state, done.old_version, done.new_version, done.reason) == (SwapState.DONE, "v1", "v2", None)
    assert states(done) == dict.fromkeys(["load", "canary", "switch", "drain", "unload"], "done")
    assert successions.acts == ["load", "switch", "free"]
    assert done.canary[0].question.startswith("Say in one sentence") and len(done.canary) == 2
    [kept] = start_list.all()
    assert (kept.name, kept.path, kept.default) == ("fake", NEW, True)
    [marker] = swaps.markers(admin, clock() - timedelta(days=1), clock() + timedelta(days=1))
    assert (marker.kind, marker.subject, marker.details["from"], marker.details["to"]) == ("model.swap", "fake", "v1", "v2")
    with unit_of_work() as work:
        events = [entry.event for entry in work.audit.find(AuditFilter(), 50)]
    noted = [(event.details.get("step"), event.details["state"]) for event in reversed(events) if event.action == "model.swap"]
    assert noted[0] == (None, "started") and noted[-1] == (None, "done")
    assert ("canary", "running") in noted and ("canary", "done") in noted and ("switch", "done") in noted


@pytest.mark.usefixtures("worker")
def test_without_memory_for_both_the_old_version_leaves_first(swaps: Swaps, successions: FakeSuccessions, admin: User) -> None:
    successions.beside = False
    done = ended(swaps, admin, swaps.start(admin, "fake", NEW, QUICK))
    assert list(states(done)) == ["make_room", "load", "canary", "switch"] and done.state is SwapState.DONE
    assert successions.acts == ["hold", "free", "load", "switch"]
    with pytest.raises(InvalidInput, match="no memory for both"):
        swaps.start(admin, "fake", NEW, SwapOptions(shares=(5,)))


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (says(""), "The answer is empty"),
        (says("a a a a", degenerated=True), "repeats itself"),
        (says("计算机是处理数据的机器。"), "not in the language"),
        (says("A computer.", error=StoredError("The process died.")), "The process died"),
        (says("A computer computes.", tokens_per_second=1.0), "the minimum is 5"),
    ],
)
@pytest.mark.usefixtures("worker")
def test_a_candidate_that_fails_its_canary_leaves_the_old_version_serving(
    answers: Callable[[GenerationRequest], Trial],
    why: str,
    swaps: Swaps,
    successions: FakeSuccessions,
    start_list: FileStartList,
    admin: User,
) -> None:
    successions.answers = answers
    done = ended(swaps, admin, swaps.start(admin, "fake", NEW, replace(QUICK, min_speed=5.0)))
    assert done.state is SwapState.ROLLED_BACK and why in str(done.reason)
    assert states(done) == {"load": "done", "canary": "failed", "switch": "skipped", "drain": "skipped", "unload": "skipped"}
    assert successions.acts == ["load", "roll back"] and successions.serving == Path("/models/old.gguf") and start_list.all() == []


@pytest.mark.usefixtures("worker")
def test_a_candidate_that_cannot_be_loaded_is_rolled_back(swaps: Swaps, successions: FakeSuccessions, admin: User) -> None:
    successions.loads = FAILED
    done = ended(swaps, admin, swaps.start(admin, "fake", NEW, QUICK))
    assert (done.state, str(done.reason)) == (SwapState.ROLLED_BACK, "The file is damaged.")


@pytest.mark.usefixtures("worker")
def test_own_canary_questions_replace_the_built_in_ones(swaps: Swaps, admin: User) -> None:
    swaps.add_canary(admin, "What is the capital of France?", model="fake", language="en", pattern="(?i)paris")
    swaps.add_canary(admin, "For another model", model="other", pattern="never")
    done = ended(swaps, admin, swaps.start(admin, "fake", NEW, QUICK))
    assert done.state is SwapState.ROLLED_BACK and "does not contain (?i)paris" in str(done.reason)
    [canary] = [one for one in swaps.canaries(admin) if one.model == "fake"]
    swaps.remove_canary(admin, canary.id)
    assert ended(swaps, admin, swaps.start(admin, "fake", NEW, QUICK)).state is SwapState.DONE


@pytest.mark.parametrize("pattern", ["(", "x" * 501, "a\0b"])
def test_a_pattern_that_is_none_is_refused(pattern: str, swaps: Swaps, admin: User) -> None:
    with pytest.raises(InvalidInput, match="not a usable regular expression"):
        swaps.add_canary(admin, "x", pattern=pattern)


def test_a_second_admin_is_told_who_swaps_and_since_when(swaps: Swaps, successions: FakeSuccessions, worker: JobWorker, admin: User,
                                                         accounts: Accounts) -> None:  # fmt: skip
    successions.gate = threading.Event()
    eve = accounts.add(None, "eve", Role.ADMIN, password="correct horse", full_name="Eve Moneypenny")
    outcomes: list[Swap | PortalError] = []

    def start(person: User) -> None:
        try:
            outcomes.append(swaps.start(person, "fake", NEW, QUICK))
        except PortalError as problem:
            outcomes.append(problem)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(start, (admin, eve)))
    [won] = [each for each in outcomes if isinstance(each, Swap)]
    [lost] = [each for each in outcomes if isinstance(each, PortalError)]
    assert isinstance(lost, Conflict)
    assert f"{won.started_by_name} is replacing fake since 2026-11-21 12:00 UTC" in str(lost)
    successions.gate.set()
    assert ended(swaps, admin, won).state is SwapState.DONE


@pytest.mark.usefixtures("worker")
def test_a_share_of_traffic_comes_first_and_an_admin_may_hasten_it(swaps: Swaps, successions: FakeSuccessions, admin: User) -> None:
    swap = swaps.start(admin, "fake", NEW, replace(QUICK, shares=(5, 50), share_answers=3))
    until(swaps, admin, swap, lambda now: now.share == 5)
    successions.new_figures = VersionStats(answers=3, tokens_per_second=10.0)
    now = until(swaps, admin, swap, lambda now: now.share == 50)
    assert now.new_figures == successions.new_figures
    swaps.decide(admin, swap.id, Decision.APPROVE)
    done = ended(swaps, admin, swap)
    assert done.state is SwapState.DONE and successions.acts == ["load", "share 5", "share 50", "switch", "free"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (VersionStats(answers=40), VersionStats(answers=10, errors=2), "2 of 10 answers of the new version failed"),
        (VersionStats(answers=40), VersionStats(answers=10, degenerated=3), "3 of 10 answers of the new version repeat"),
        (
            VersionStats(answers=40, tokens_per_second=30.0),
            VersionStats(answers=9, tokens_per_second=9.0),
            "at 9.0 tokens/s, the old one at 30.0",
        ),
    ],
)
@pytest.mark.usefixtures("worker")
def test_a_version_that_does_worse_under_traffic_is_rolled_back(
    old: VersionStats, new: VersionStats, why: str, swaps: Swaps, successions: FakeSuccessions, admin: User
) -> None:
    successions.old_figures = old
    swap = swaps.start(admin, "fake", NEW, replace(QUICK, shares=(5,), share_answers=100))
    until(swaps, admin, swap, lambda now: now.share == 5)
    successions.new_figures = new
    done = ended(swaps, admin, swap)
    assert done.state is SwapState.ROLLED_BACK and why in str(done.reason) and "switch" not in successions.acts


@pytest.mark.usefixtures("worker")
def test_a_version_that_fails_after_the_switch_gives_the_name_back(
    swaps: Swaps, successions: FakeSuccessions, start_list: FileStartList, admin: User
) -> None:
    start_list.keep(StartModel("fake", Path("/models/old.gguf"), LoadSettings(), default=True))
    swap = swaps.start(admin, "fake", NEW, replace(QUICK, watch_s=600))
    until(swaps, admin, swap, lambda now: states(now)["watch"] == "running")
    assert [model.path for model in start_list.all()] == [NEW]
    successions.loads = replace(FAILED, error=StoredError("Its process died."))
    done = ended(swaps, admin, swap)
    assert done.state is SwapState.ROLLED_BACK and "Its process died" in str(done.reason)
    assert successions.serving == Path("/models/old.gguf") and [model.path for model in start_list.all()] == [Path("/models/old.gguf")]


@pytest.mark.usefixtures("worker")
def test_the_replay_gate_waits_for_an_admins_yes(swaps: Swaps, successions: FakeSuccessions, admin: User, ana: User) -> None:
    with pytest.raises(InvalidInput, match="no replay questions"):
        swaps.start(admin, "fake", NEW, replace(QUICK, replay=True))
    swaps.add_replay(admin, "fake", "What is a computer?", "A machine.")
    swap = swaps.start(admin, "fake", NEW, replace(QUICK, replay=True))
    asking = until(swaps, admin, swap, lambda now: now.state is SwapState.ASKING)
    [replayed] = asking.replay
    assert (replayed.accepted, replayed.text) == ("A machine.", "A computer is a machine that handles data.")
    assert "switch" not in successions.acts
    with pytest.raises(NotAllowed):
        swaps.decide(ana, swap.id, Decision.APPROVE)
    swaps.decide(admin, swap.id, Decision.APPROVE)
    assert ended(swaps, admin, swap).state is SwapState.DONE


@pytest.mark.usefixtures("worker")
def test_a_version_that_answers_alike_serves_without_a_yes(swaps: Swaps, successions: FakeSuccessions, admin: User) -> None:
    swaps.add_replay(admin, "fake", "What is a computer?", "A computer: a machine that handles data")
    swaps.add_replay(admin, "fake", "What is a machine?", "Something else entirely.")
    done = ended(swaps, admin, swaps.start(admin, "fake", NEW, replace(QUICK, replay=True, replay_passes=0.5)))
    assert done.state is SwapState.DONE and "switch" in successions.acts
    assert gate_result(done) == GateResult(passed=1, total=2, needed=1) and not overridden(done)


@pytest.mark.usefixtures("worker")
def test_a_version_that_answers_otherwise_serves_only_for_a_reason_which_is_audited(
    swaps: Swaps, successions: FakeSuccessions, admin: User, unit_of_work: UnitOfWorkFactory
) -> None:
    swaps.add_replay(admin, "fake", "What is a computer?", "Something else entirely.")
    swap = swaps.start(admin, "fake", NEW, replace(QUICK, replay=True, replay_passes=0.9))
    asking = until(swaps, admin, swap, lambda now: now.state is SwapState.ASKING)
    assert gate_result(asking) == GateResult(passed=0, total=1, needed=1) and "switch" not in successions.acts
    assert "0 of 1 answers pass; 1 must." in [str(step.note) for step in asking.steps]
    with pytest.raises(InvalidInput, match="Say in a few words why"):
        swaps.decide(admin, swap.id, Decision.APPROVE, "  ")
    swaps.decide(admin, swap.id, Decision.APPROVE, "The accepted answer\nis outdated")
    done = ended(swaps, admin, swap)
    assert done.state is SwapState.DONE and overridden(done)
    with unit_of_work() as work:
        events = [entry.event for entry in work.audit.find(AuditFilter(action="model.swap_decide"), 5)]
    assert [(each.actor_id, each.details["reason"], each.details["found"]) for each in events] == [
        (admin.id, "The accepted answer is outdated", "0/1")
    ]


@pytest.mark.parametrize(
    ("text", "accepted", "alike"),
    [
        ("A machine.", "a MACHINE", 1.0), ("one two", "two one", 1.0), ("a a b", "a b b", 2 / 3), ("yes", "no", 0.0), ("", "yes", 0.0),
        ("!", "!", 1.0), ("计算机是机器。", "计算机是机器", 1.0), ("计算机", "计算器", 2 / 3),
    ],
)  # fmt: skip
def test_answers_are_alike_by_the_words_that_they_share(text: str, accepted: str, alike: float) -> None:
    assert likeness(text, accepted) == pytest.approx(alike) == likeness(accepted, text)


@pytest.mark.usefixtures("worker")
def test_an_admins_no_rolls_back(swaps: Swaps, successions: FakeSuccessions, admin: User) -> None:
    swaps.add_replay(admin, "fake", "What is a computer?", "A machine.")
    swap = swaps.start(admin, "fake", NEW, replace(QUICK, replay=True))
    until(swaps, admin, swap, lambda now: now.state is SwapState.ASKING)
    swaps.decide(admin, swap.id, Decision.ROLL_BACK)
    done = ended(swaps, admin, swap)
    assert done.state is SwapState.ROLLED_BACK and successions.acts == ["load", "roll back"]
    with pytest.raises(Conflict, match="already ended"):
        swaps.decide(admin, swap.id, Decision.APPROVE)


@pytest.mark.usefixtures("worker")
def test_cancelling_the_job_rolls_back(swaps: Swaps, jobs: Jobs, successions: FakeSuccessions, admin: User) -> None:
    successions.gate = threading.Event()
    swap = swaps.start(admin, "fake", NEW, QUICK)
    until(swaps, admin, swap, lambda now: states(now)["load"] == "running")
    jobs.cancel(admin, swap.id)
    done = ended(swaps, admin, swap)
    assert (done.state, str(done.reason)) == (SwapState.ROLLED_BACK, "It was cancelled.") and successions.acts == ["load", "roll back"]


def test_a_swap_that_the_portal_left_is_marked_at_the_next_start(
    swaps: Swaps, worker: JobWorker, successions: FakeSuccessions, admin: User
) -> None:
    successions.gate = threading.Event()
    swap = swaps.start(admin, "fake", NEW, QUICK)
    until(swaps, admin, swap, lambda now: states(now)["load"] == "running")
    worker.close()
    assert swaps.get(admin, swap.id).active
    assert swaps.recover() == 1
    left = swaps.get(admin, swap.id)
    assert left.state is SwapState.INTERRUPTED and "serves version v1" in str(left.reason)
    assert states(left) == {"load": "failed", "canary": "skipped", "switch": "skipped", "drain": "skipped", "unload": "skipped"}
    assert swaps.recover() == 0


def test_what_cannot_be_swapped_is_refused_at_once(swaps: Swaps, successions: FakeSuccessions, admin: User, ana: User) -> None:
    with pytest.raises(NotFound):
        swaps.start(admin, "other", NEW)
    successions.refuse = InvalidInput("The file is truncated.")
    with pytest.raises(InvalidInput, match="truncated"):
        swaps.start(admin, "fake", NEW)
    for act in (lambda: swaps.start(ana, "fake", NEW), lambda: swaps.list(ana), lambda: swaps.canaries(ana),
                lambda: swaps.add_canary(ana, "x"), lambda: swaps.replays(ana), lambda: swaps.add_replay(ana, "m", "q", "a")):  # fmt: skip
        with pytest.raises(NotAllowed):
            act()
    for wrong in ({"shares": (50, 5)}, {"shares": (7,)}, {"watch_s": -1}, {"min_speed_ratio": 2.0}):
        with pytest.raises(InvalidInput):
            SwapOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "language", "is_in"),
    [("A computer computes.", "en", True), ("计算机是机器。", "zh", True), ("GLM 是语言模型", "zh", True), ("计算机", "en", False),
     ("A computer", "zh", False), ("Компьютер", "en", False), ("42", "en", True), ("", "zh", True)],
)  # fmt: skip
def test_the_language_of_an_answer_is_recognized_by_its_script(text: str, language: str, is_in: bool) -> None:
    assert in_language(text, language) is is_in


def test_one_failure_alone_and_usual_failures_do_not_roll_back() -> None:
    assert trouble(VersionStats(answers=50), VersionStats(answers=10, errors=1), QUICK) is None
    assert trouble(VersionStats(answers=50, errors=10), VersionStats(answers=10, errors=2), QUICK) is None
    assert trouble(VersionStats(), VersionStats(answers=10, tokens_per_second=1.0), QUICK) is None


def test_a_pattern_without_end_is_stopped() -> None:
    with pytest.raises(InvalidInput, match="took too long"):
        ProcessPatternFinder().found("(a+)+$", "a" * 5_000 + "b")
    assert ProcessPatternFinder().found("(?i)PARIS", "In Paris, 巴黎")
    assert not ProcessPatternFinder().found("^Rome$", "In Paris")
