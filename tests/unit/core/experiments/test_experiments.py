"""Experiments from start to end, with two models of different quality behind the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import Conflict, InvalidInput, ModelFailed, NotAllowed, NotFound, PortalError
from core.experiments.records import Design, Experiment, Guard, Guardrail, Metric, SideFigures, State
from core.experiments.results import results
from core.experiments.service import ExperimentReport, Experiments
from core.inference.gateway import Gateway
from core.inference.offers import AccessRule, Preset
from core.inference.records import Source
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest
from core.inference.running.answer import Answer
from core.notices.records import NoticeKind
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.review.cases.opening import put_rating
from core.review.records import Feedback, ReviewState
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import MODEL, FakeRouter
from tests.unit.core.conftest import MovingClock

ERRORS = Guardrail(guard=Guard.ERRORS, limit=0.2, min_count=5)
DESIGN = Design(name="Newer", subject="fake", other="newer", effect=0.3, guardrails=(ERRORS,))


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter(available=[MODEL, replace(MODEL, name="newer", default=False), replace(MODEL, name="third", default=False)])


@pytest.fixture
def gateway(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Gateway:
    return Gateway(unit_of_work, router, clock)


@pytest.fixture
def experiments(unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock) -> Experiments:
    return Experiments(unit_of_work, clock, gateway.served)


@pytest.fixture
def crowd(accounts: Accounts) -> list[User]:
    return [accounts.add(None, f"p{n}", Role.ANALYST, password="correct horse", group="Risk" if n % 2 else "Legal") for n in range(60)]


def asked(gateway: Gateway, person: User, model: str | None = "fake", source: Source = Source.CHAT) -> Answer:
    message = ChatMessage(ChatRole.USER, "Hello?")
    answer = gateway.answer(person, GenerationRequest(messages=(message,), user_id=person.id, model=model), source)
    try:
        for _ in gateway.recorded(answer):
            pass
    except PortalError:
        pass
    return answer


def all_ask(gateway: Gateway, router: FakeRouter, crowd: Sequence[User]) -> dict[str, str]:
    """Let everybody ask once; return which model each person got."""
    got = {}
    for person in crowd:
        asked(gateway, person)
        got[person.id] = str(router.requests[-1].model)
    return got


def test_each_person_stays_with_one_variant_and_rows_say_which(
    experiments: Experiments, gateway: Gateway, router: FakeRouter, unit_of_work: UnitOfWorkFactory, admin: User, crowd: list[User]
) -> None:
    made = experiments.start(admin, DESIGN)
    first = all_ask(gateway, router, crowd)
    assert set(first.values()) == {"fake", "newer"} and 15 < list(first.values()).count("newer") < 45
    assert all_ask(gateway, router, crowd) == first
    found = experiments.get(admin, made.id)
    assert found.results.people == tuple(list(first.values()).count(name) for name in ("fake", "newer"))
    assert sum(found.results.answers) == 120 and found.results.split_ok
    assert asked(gateway, crowd[0], "third").row().variant is None
    with unit_of_work() as work:
        b = work.experiments.figures(made.tag("b"))
    assert {each.user_id for each in b.people} == {person for person, name in first.items() if name == "newer"}


def test_the_default_model_takes_part_and_background_work_does_not(
    experiments: Experiments, gateway: Gateway, router: FakeRouter, admin: User, crowd: list[User]
) -> None:
    experiments.start(admin, replace(DESIGN, to_b=99))
    variants = [asked(gateway, person, None).row().variant for person in crowd]
    assert all(variants) and router.requests[-1].model in ("newer", "fake")
    assert asked(gateway, crowd[0], "fake", Source.TITLE).row().variant is None


def test_a_draft_preset_can_be_b_and_access_rules_hold(
    experiments: Experiments, gateway: Gateway, router: FakeRouter, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User,
    crowd: list[User],
) -> None:  # fmt: skip
    with unit_of_work() as work:
        work.offers.put_preset(Preset(name="brief", model="fake", system_prompt="Be brief.", created_at=clock(), updated_at=clock()))
        work.offers.put_rule(AccessRule("brief", groups=frozenset({"Risk"})))
        work.commit()
    experiments.start(admin, replace(DESIGN, other="brief", to_b=99))
    got = {person.group: [] for person in crowd}  # type: dict[str, list[str | None]]
    for person in crowd:
        answer = asked(gateway, person)
        got[person.group].append(answer.row().variant)
    assert router.requests[-1].messages[0].content == "Be brief."
    assert all(got["Risk"]) and not any(got["Legal"])
    with pytest.raises(NotFound):
        asked(gateway, crowd[0], "brief")


def test_nobody_gets_a_b_that_is_not_served(
    experiments: Experiments, gateway: Gateway, router: FakeRouter, admin: User, crowd: list[User]
) -> None:
    experiments.start(admin, DESIGN)
    router.available = [each for each in router.available if each.name != "newer"]
    assert set(all_ask(gateway, router, crowd[:20]).values()) == {"fake"}


def test_a_guardrail_stops_it_for_everybody_and_tells_the_admins(
    experiments: Experiments, gateway: Gateway, router: FakeRouter, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User,
    crowd: list[User],
) -> None:  # fmt: skip
    made = experiments.start(admin, DESIGN)
    router.always = [ModelFailed("The model broke.")]
    with unit_of_work() as work:
        [split] = work.experiments.splits()
    having_b = [person for person in crowd if split.side(person) == "b"]
    for person in having_b[:4]:
        asked(gateway, person)
    experiments.check_all()
    assert experiments.get(admin, made.id).experiment.state is State.RUNNING
    for person in having_b[4:8]:
        asked(gateway, person)
    clock.forward(seconds=60)
    experiments.check_all()
    found = experiments.get(admin, made.id)
    assert found.experiment.state is State.STOPPED_ITSELF and found.experiment.ended_at == clock()
    assert found.experiment.trip is not None and found.experiment.trip.people == 8
    assert str(found.verdict[0]) == "B passed a limit: 100.0 % of its answers failed, the limit is 20.0 %. 8 people had B."
    assert set(all_ask(gateway, router, crowd).values()) == {"fake"}
    with unit_of_work() as work:
        assert [each.kind for each in work.notices.of_user(admin.id, 9)] == [NoticeKind.EXPERIMENT_ENDED]
        assert not work.notices.of_user(crowd[0].id, 9)
        markers = work.swaps.markers(made.started_at - timedelta(1), clock() + timedelta(1))
        assert [each.details["state"] for each in markers] == ["started", "stopped"]
    with pytest.raises(Conflict):
        experiments.promote(admin, made.id)


def test_promoted_b_answers_everybody_of_the_groups_until_it_is_undone(
    experiments: Experiments, gateway: Gateway, router: FakeRouter, admin: User, crowd: list[User]
) -> None:
    made = experiments.start(admin, replace(DESIGN, groups=("Risk",), share=50))
    experiments.promote(admin, made.id)
    got = all_ask(gateway, router, crowd)
    assert {got[each.id] for each in crowd if each.group == "Risk"} == {"newer"}
    assert {got[each.id] for each in crowd if each.group == "Legal"} == {"fake"}
    assert experiments.get(admin, made.id).results.answers == (0, 0)
    experiments.stop(admin, made.id)
    assert set(all_ask(gateway, router, crowd).values()) == {"fake"}
    with pytest.raises(Conflict):
        experiments.stop(admin, made.id)


def test_it_ends_when_its_time_is_over(experiments: Experiments, clock: MovingClock, admin: User) -> None:
    made = experiments.start(admin, replace(DESIGN, days=2))
    experiments.check_all()
    clock.forward(days=2)
    experiments.check_all()
    assert experiments.get(admin, made.id).experiment.state is State.STOPPED
    assert experiments.start(admin, DESIGN).state is State.RUNNING


def test_the_better_model_is_found(
    experiments: Experiments, gateway: Gateway, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, crowd: list[User]
) -> None:
    """The two platforms answer alike; people rate 9 of 10 answers of B good, and 3 of 10 of A."""
    made = experiments.start(admin, DESIGN)
    for number, person in enumerate(crowd):
        for turn in range(4):
            answer = asked(gateway, person)
            row = replace(answer.row(), id=f"{person.id[:20]}{turn}", message_id=f"{person.id[:20]}-{turn}")
            side = str(row.variant)[-1]
            good = (number + turn * 3) % 10 < (9 if side == "b" else 3)
            with unit_of_work() as work:
                work.generations.add(row)
                put_rating(work, _rating(person, str(row.message_id), good, clock))
                work.commit()
    found: ExperimentReport = experiments.get(admin, made.id)
    main = found.results.main
    assert main.metric is Metric.SATISFACTION and main.low is not None and main.low > 0
    assert str(found.verdict[0]).startswith("B is better: +") and str(found.verdict[1]) == "It stays within every limit."
    assert found.results.metrics[2].a is not None


def test_more_people_get_b_and_the_figures_are_counted_anew_with_a_wider_interval(
    experiments: Experiments, gateway: Gateway, router: FakeRouter, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User,
    crowd: list[User],
) -> None:  # fmt: skip
    made = experiments.start(admin, replace(DESIGN, to_b=20))

    def everybody(turns: int) -> None:
        for number, person in enumerate(crowd):
            for turn in range(turns):
                row = asked(gateway, person).row()
                row = replace(row, id=f"{person.id[:20]}{turn}{clock().day}", message_id=f"{person.id[:18]}-{turn}-{clock().day}")
                with unit_of_work() as work:
                    work.generations.add(row)
                    put_rating(work, _rating(person, str(row.message_id), (number + turn * clock().day) % 3 > 0, clock))
                    work.commit()

    before = all_ask(gateway, router, crowd)
    everybody(2)
    clock.forward(days=1)
    raised = experiments.raise_split(admin, made.id, 60)
    assert (raised.alpha, raised.counted_from, raised.design.to_b) == (0.025, clock(), 60) and raised.planned > made.planned
    assert experiments.get(admin, made.id).results.answers == (0, 0)
    after = all_ask(gateway, router, crowd)
    assert {name for name, model in before.items() if model == "newer"} < {name for name, model in after.items() if model == "newer"}
    everybody(2)
    clock.forward(days=1)
    everybody(2)
    report = experiments.get(admin, made.id)
    assert sum(report.results.people) == len(crowd) and report.results.split_ok, "each person has one variant since the raise"
    guard = report.results.guards[0]
    assert guard.count > report.results.answers[1], "limits count all of B"
    first, last = report.growth
    assert (last.day - first.day).days == 1 and last.compared == report.results.main
    wide, narrow = (float(each.compared.high or 0) - float(each.compared.low or 0) for each in (first, last))
    assert wide > narrow > 0
    known = results(replace(raised, raised=()), *_sides(unit_of_work, raised)).main
    assert known.high is not None and known.low is not None and narrow > known.high - known.low
    for to_b, problem in ((60, InvalidInput), (100, InvalidInput)):
        with pytest.raises(problem):
            experiments.raise_split(admin, made.id, to_b)
    for to_b in (70, 80):
        experiments.raise_split(admin, made.id, to_b)
    with pytest.raises(Conflict, match="3 times"):
        experiments.raise_split(admin, made.id, 90)
    experiments.stop(admin, made.id)
    with pytest.raises(Conflict, match="has ended"):
        experiments.raise_split(admin, made.id, 95)


def _sides(unit_of_work: UnitOfWorkFactory, experiment: Experiment) -> list[SideFigures]:
    with unit_of_work() as work:
        return [work.experiments.figures(experiment.tag(side), experiment.counted_from) for side in ("a", "b")]


def _rating(person: User, message_id: str, good: bool, clock: MovingClock) -> Feedback:
    return Feedback(
        f"r{message_id}"[:32], person.id, person.name, person.group, "chat", message_id, "fake", 1 if good else -1, "", ReviewState.NEW, "",
        clock(), clock(),
    )  # fmt: skip


def test_what_cannot_be_compared_is_refused(experiments: Experiments, admin: User, ana: User) -> None:
    with pytest.raises(InvalidInput):
        experiments.start(admin, replace(DESIGN, other="nothing"))
    made = experiments.start(admin, DESIGN)
    with pytest.raises(Conflict):
        experiments.start(admin, replace(DESIGN, subject="third", other="newer"))
    assert str(experiments.get(admin, made.id).verdict[0]) == "Too few people so far."
    for refused in (lambda: experiments.list(ana), lambda: experiments.start(ana, DESIGN), lambda: experiments.size(ana, DESIGN)):
        with pytest.raises(NotAllowed):
            refused()
    with pytest.raises(NotFound):
        experiments.get(admin, "nothing")
    for wrong in ({"name": " "}, {"other": "fake"}, {"share": 0}, {"to_b": 100}, {"days": 0}, {"effect": 0.0}, {"baseline": 1.0}):
        with pytest.raises(InvalidInput):
            replace(DESIGN, **wrong)  # type: ignore[arg-type]
    assert experiments.size(admin, DESIGN) == made.planned > 2
