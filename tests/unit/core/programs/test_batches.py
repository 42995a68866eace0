"""Batches on a real store, with an API that a test sets up: every line has its result, even if others fail."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from core.errors import Busy, Conflict, InvalidInput, NotFound, PortalError, Unavailable
from core.people.api_keys import ApiKeys, KeyTerms
from core.people.records import Scope, User
from core.programs.background import Background
from core.programs.batch_lines import MAX_LINE_LENGTH, lines_of
from core.programs.batch_run import MAX_UNFINISHED_LINES, BatchRun
from core.programs.batches import Batches
from core.programs.files import ProgramFiles
from core.programs.records import BATCH_ENDED, Batch, BatchStatus, LineAnswer
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock

CHAT = "/v1/chat/completions"
WAIT_S = 120.0


class Edge:
    """Answers with the number in the body. `hold` stops it there until `go`."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.users: list[User] = []
        self.raises: dict[int, list[PortalError]] = {}
        self.hold: int | None = None
        self.reached = threading.Event()
        self.go = threading.Event()

    def answer(self, user: User, route: str, body: Mapping[str, Any], check: Callable[[], None]) -> LineAnswer:
        number = body["n"]
        self.asked.append(number)
        self.users.append(user)
        if self.raises.get(number):
            raise self.raises[number].pop(0)
        if number == self.hold:
            self.reached.set()
            while not self.go.wait(0.005):
                check()
        if number < 0:
            return LineAnswer(400, '{"error": {"message": "Refused."}}', "r")
        return LineAnswer(200, json.dumps({"n": number}), "r")

    def respond(self, user: User, response_id: str, body: Mapping[str, Any], check: Callable[[], None]) -> str:
        raise AssertionError("no response was asked for")


class House:
    """The services of batches, and what a test asks of them."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, user: User) -> None:
        self.user = user
        self.edge = Edge()
        background = Background()
        background.attach(self.edge)
        self.files = ProgramFiles(unit_of_work, clock, 20_000_000, 30)
        self.batches = Batches(unit_of_work, jobs, self.files, clock)
        self.kinds = [*self.batches.job_kinds(), *BatchRun(unit_of_work, self.files, background, clock, longest_wait_s=0.01).job_kinds()]

    def upload(self, *lines: str | bytes) -> str:
        content = b"\n".join(each if isinstance(each, bytes) else each.encode() for each in lines)
        return self.files.upload(self.user, "requests.jsonl", iter([content])).id

    def start(self, *lines: str | bytes) -> Batch:
        return self.batches.create(self.user, self.upload(*lines), CHAT, {"a": "b"})

    def ended(self, batch: Batch) -> Batch:
        ends = time.monotonic() + WAIT_S
        while time.monotonic() < ends:
            found, _ = self.batches.get(self.user, batch.id)
            if found.status in BATCH_ENDED:
                return found
            time.sleep(0.01)
        raise AssertionError(f"the batch has not ended: {found}")

    def results(self, file_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in b"".join(self.files.blocks(file_id)).splitlines()]


@pytest.fixture
def house(unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, ana: User) -> House:
    return House(unit_of_work, jobs, clock, ana)


def line(number: int, **other: Any) -> str:
    return json.dumps({"custom_id": f"c{number}", "method": "POST", "url": CHAT, "body": {"n": number}, **other})


Working = Callable[[Sequence[JobKind]], JobWorker]


def test_every_line_is_answered_in_the_order_of_the_file(house: House, working: Working) -> None:
    working(house.kinds)
    done = house.ended(house.start(*map(line, range(100))))
    assert (done.status, done.lines, done.completed, done.failed) == (BatchStatus.COMPLETED, 100, 100, 0)
    results = house.results(done.output_file_id)
    assert [result["custom_id"] for result in results] == [f"c{number}" for number in range(100)]
    assert results[7]["response"] == {"status_code": 200, "request_id": "r", "body": {"n": 7}} and results[7]["error"] is None
    assert len({result["id"] for result in results}) == 100
    assert house.files.get(house.user, done.output_file_id).size_bytes == len(b"".join(house.files.blocks(done.output_file_id)))


@pytest.mark.parametrize(
    ("broken", "code", "custom_id"),
    [
        ("{", "invalid_json_line", None), ("[]", "invalid_json_line", None), (b"\xff\xfe", "invalid_json_line", None),
        ("[" * 100_000, "invalid_json_line", None), ("x" * (MAX_LINE_LENGTH + 5), "line_too_long", None),
        (line(1, custom_id=7), "invalid_request", None), (line(1, custom_id=""), "invalid_request", None),
        (line(1, custom_id="c0"), "duplicate_custom_id", "c0"), (line(1, url="/v1/embeddings"), "mismatched_url", "c1"),
        (line(1, method="GET"), "invalid_method", "c1"), (line(1, body=[]), "invalid_request", "c1"),
    ],
)  # fmt: skip
def test_a_broken_line_has_its_error_and_the_others_their_answers(
    house: House, working: Working, broken: str | bytes, code: str, custom_id: str | None
) -> None:
    working(house.kinds)
    done = house.ended(house.start(line(0), broken, "", line(2)))
    assert (done.status, done.completed, done.failed) == (BatchStatus.COMPLETED, 2, 1)
    assert [result["response"]["body"]["n"] for result in house.results(done.output_file_id)] == [0, 2]
    [failed] = house.results(done.error_file_id)
    assert (failed["error"]["code"], failed["custom_id"], failed["response"]) == (code, custom_id, None)


def test_what_the_api_refuses_is_a_failed_line_with_the_refusal(house: House, working: Working) -> None:
    working(house.kinds)
    done = house.ended(house.start(line(-1), line(1)))
    [failed] = house.results(done.error_file_id)
    assert (failed["response"]["status_code"], failed["response"]["body"]) == (400, {"error": {"message": "Refused."}})


def test_fifty_thousand_lines_of_which_one_in_a_hundred_is_broken(house: House, working: Working) -> None:
    lines = [line(number) if number % 100 else "broken" for number in range(50_000)]
    batch = house.start(*lines)
    working(house.kinds)
    done = house.ended(batch)
    assert (done.status, done.completed, done.failed) == (BatchStatus.COMPLETED, 49_500, 500)
    results = house.results(done.output_file_id)
    assert [result["response"]["body"]["n"] for result in results] == [number for number in range(50_000) if number % 100]
    assert {result["error"]["code"] for result in house.results(done.error_file_id)} == {"invalid_json_line"}


@pytest.mark.parametrize(("lines", "says"), [(["\n \n"], "no requests"), (["x"] * 50_001, "more than 50,000 lines")])
def test_a_file_that_cannot_be_used_fails_as_a_whole(house: House, working: Working, lines: list[str], says: str) -> None:
    working(house.kinds)
    failed = house.ended(house.start(*lines))
    assert (failed.status, house.edge.asked) == (BatchStatus.FAILED, [])
    assert failed.error is not None and says in str(failed.error).replace("50000", "50,000")


def test_a_stop_keeps_what_is_done_and_the_next_start_goes_on(house: House, working: Working) -> None:
    house.edge.hold = 300
    batch = house.start(*map(line, range(600)))
    first = working(house.kinds)
    assert house.edge.reached.wait(WAIT_S)
    first.close()
    stopped, _ = house.batches.get(house.user, batch.id)
    assert stopped.status is BatchStatus.IN_PROGRESS and 300 - MAX_UNFINISHED_LINES <= stopped.position <= 300
    house.edge.go.set()
    before = len(house.edge.asked)
    working(house.kinds)
    done = house.ended(batch)
    assert (done.completed, done.failed) == (600, 0)
    assert [result["response"]["body"]["n"] for result in house.results(done.output_file_id)] == list(range(600))
    assert len(house.edge.asked) - before == 600 - stopped.position


def test_a_cancelled_batch_keeps_its_results_so_far(house: House, working: Working) -> None:
    house.edge.hold = 50
    batch = house.start(*map(line, range(200)))
    working(house.kinds)
    assert house.edge.reached.wait(WAIT_S)
    house.batches.cancel(house.user, batch.id)
    done = house.ended(batch)
    assert (done.status, done.completed) == (BatchStatus.CANCELLED, 50)
    assert len(house.results(done.output_file_id)) == 50
    with pytest.raises(Conflict):
        house.batches.cancel(house.user, batch.id)


def test_a_batch_that_waits_is_cancelled_at_once(house: House) -> None:
    cancelled, _ = house.batches.cancel(house.user, house.start(line(1)).id)
    assert (cancelled.status, cancelled.completed) == (BatchStatus.CANCELLED, 0)


def test_lines_that_wait_too_long_expire(house: House, working: Working, clock: MovingClock) -> None:
    batch = house.start(*map(line, range(50)))
    clock.forward(hours=25)
    working(house.kinds)
    done = house.ended(batch)
    assert (done.status, done.completed, done.failed, house.edge.asked) == (BatchStatus.EXPIRED, 0, 50, [])
    assert {result["error"]["code"] for result in house.results(done.error_file_id)} == {"batch_expired"}


def test_a_line_waits_while_the_models_are_busy_and_gives_up_when_they_stay_away(house: House, working: Working) -> None:
    house.edge.raises = {1: [Busy("Busy.", retry_after=9) for _ in range(20)], 2: [Unavailable("Away.") for _ in range(20)]}
    working(house.kinds)
    done = house.ended(house.start(line(0), line(1), line(2)))
    assert (done.completed, done.failed) == (2, 1)
    assert house.results(done.error_file_id)[0]["error"] == {"code": "unavailable", "message": "Away."}


def test_a_disabled_account_ends_its_batches(house: House, working: Working, unit_of_work: UnitOfWorkFactory) -> None:
    batch = house.start(line(1))
    with unit_of_work() as work:
        work.users.save(replace(house.user, active=False))
        work.commit()
    working(house.kinds)
    assert house.ended(batch).status is BatchStatus.FAILED


@pytest.mark.parametrize("revoked", [False, True])
def test_a_batch_asks_with_the_key_that_began_it_until_the_key_is_revoked(
    house: House, working: Working, unit_of_work: UnitOfWorkFactory, clock: MovingClock, revoked: bool
) -> None:
    keys, person = ApiKeys(unit_of_work, clock), house.user
    made = keys.make(person, KeyTerms(name="nightly", scopes=frozenset({Scope.CHAT})))
    program = keys.user(made.token)
    assert program is not None
    house.user = program
    batch = house.start(line(1))
    if revoked:
        keys.revoke(person, made.key.id)
    working(house.kinds)
    assert house.ended(batch).status is (BatchStatus.FAILED if revoked else BatchStatus.COMPLETED)
    assert [user.key and user.key.id for user in house.edge.users] == ([] if revoked else [made.key.id])


def test_files_and_batches_are_their_owners_alone(house: House, admin: User) -> None:
    batch = house.start(line(1))
    with pytest.raises(NotFound):
        house.batches.get(admin, batch.id)
    with pytest.raises(NotFound):
        house.files.get(admin, batch.input_file_id)
    with pytest.raises(NotFound):
        house.batches.create(admin, batch.input_file_id, CHAT, {})
    assert house.batches.list(admin) == house.files.list(admin) == []


def test_a_batch_needs_a_route_that_batches_know_and_a_file_of_requests(house: House, working: Working) -> None:
    working(house.kinds)
    done = house.ended(house.start(line(1)))
    with pytest.raises(InvalidInput, match="purpose batch"):
        house.batches.create(house.user, done.output_file_id, CHAT, {})
    with pytest.raises(InvalidInput, match="endpoint must be one of"):
        house.batches.create(house.user, done.input_file_id, "/v1/messages", {})


def test_files_expire_unless_a_batch_uses_them(house: House, clock: MovingClock) -> None:
    idle = house.upload(line(1))
    batch = house.start(line(1))
    with pytest.raises(Conflict, match="using this file"):
        house.files.delete(house.user, batch.input_file_id)
    clock.forward(days=31)
    assert house.batches.expire() == 1
    with pytest.raises(NotFound):
        house.files.get(house.user, idle)
    house.batches.cancel(house.user, batch.id)
    assert house.batches.expire() == 3
    with pytest.raises(NotFound):
        house.batches.get(house.user, batch.id)


def test_a_file_is_limited_and_so_are_all_of_a_person(unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User) -> None:
    files = ProgramFiles(unit_of_work, clock, 1_000_000, 30)
    with pytest.raises(InvalidInput, match="more than 1 MB"):
        files.upload(ana, "a.jsonl", iter([b"x" * 600_000] * 2))
    with pytest.raises(InvalidInput, match="empty"):
        files.upload(ana, "a.jsonl", iter([]))
    with pytest.raises(InvalidInput, match="seconds"):
        files.upload(ana, "a.jsonl", iter([b"x"]), seconds=1)
    for _ in range(10):
        files.upload(ana, "a.jsonl", iter([b"x" * 999_000]))
    with pytest.raises(Conflict, match="together"):
        files.upload(ana, "a.jsonl", iter([b"x" * 999_000]))
    assert len(files.list(ana)) == 10


def test_lines_are_the_same_however_the_blocks_are_cut() -> None:
    content = b"one\n\ntwo\r\n" + b"x" * (MAX_LINE_LENGTH + 900_000) + b"\nthree"
    whole = list(lines_of([content]))
    assert [len(each) for each in whole] == [3, 0, 4, MAX_LINE_LENGTH + 1, 5]
    for size in (1_000, 65_536, 1_000_000):
        assert list(lines_of(content[at : at + size] for at in range(0, len(content), size))) == whole
