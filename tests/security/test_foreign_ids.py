"""A request with the id of another person's record gets the same response as one for a missing record, on every route.

The places that take ids come from the OpenAPI description: a new one that is not named below fails.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from api.background import answer_jobs
from bench.portal_parts.tls import TLS
from core.people.audit_records import AuditFilter
from data.unit_of_work import SqlUnitOfWork
from samples.fakes import FakePool, FakeRouter
from samples.servers.models.detector_server import detector_server
from tests.security.id_fields import (
    CURSORS,
    FIELDS,
    IDS_OF_CALLS,
    NO_IDS,
    OF_THE_AUDIT_LOG,
    PATHS_AND_CONTENTS,
    THING_OF_A_FIELD,
    Asked,
    Ids,
    chat_path,
)
from tests.security.id_routes import IdPlace, in_paths, in_queries_and_bodies
from tests.security.things import MARK, done, make_things, until, use_detector
from tests.security.ways import OTHERS, WAYS, by_bearer, by_cookie
from tests.store import things as records
from tests.unit.api.conftest import Server, open_portal
from tests.unit.api.test_permissions import ROUTES

OF_A_PERSON = {
    "conversation_id", "message_id", "file_id", "folder_id", "share_id", "prompt_id", "run_id", "image_id", "batch_id", "session_id",
    "key_id", "job_id", "response_id", "group_id", "memory_id", "notice_id", "match_id", "collection_id", "document_id",
    "task_id", "task_run_id", "template_id",
}  # fmt: skip
"""Parameters of paths that name what belongs to one person, or to a group and its managers."""
OF_THE_HOUSE = {
    "name", "number", "group", "feedback_id", "limit_id", "comparison_id", "swap_id", "canary_id", "replay_id", "dataset_id",
    "rule_id", "turn_id", "webhook_id", "experiment_id", "board", "table", "plan_id", "report_id",
}  # fmt: skip
"""Parameters of paths that name what everybody with one permission shares; without it the answer is 403, whatever the id."""
NAMES_OF_THE_PORTAL = {"board", "table", "group"}
"""Parameters with names that the portal or a group gives, which are no secret."""
OF_MANAGERS = ("/api/v1/usage/", "/api/v1/alert-")
NOT_AUDITED = {
    "/api/v1/conversations/{conversation_id}/follow-up", "/api/v1/arena/matches/{match_id}/vote", "/api/v1/tasks/{task_id}/plan",
}  # fmt: skip
"""Deletions that the audit log leaves out: a question that was not sent yet, a vote, and a plan that a model still writes."""
DOWNLOADS = "/api/v1/models/downloads/"
"""Jobs of the house: everybody who runs models sees them."""
ADMINS_TOO = ("/api/v1/jobs/", "/api/v1/groups/", "/api/v1/keys/")
"""Admins see everybody's jobs and groups, and revoke anyone's key."""
BODIES = {(method, path.partition("?")[0]): (path.partition("?")[2], body) for method, path, body, *_ in ROUTES}


def of_a_person(place: IdPlace) -> bool:
    return place.name in OF_A_PERSON and not place.path.startswith(DOWNLOADS)


def thing(place: IdPlace) -> str:
    """Return the name under which make_things keeps the id for this place."""
    if place.path.endswith("/follow-up") or place.path.endswith("/stop"):
        return "busy_id"
    if place.path.endswith("/vote") and place.name == "message_id":
        return "question_id"
    named = f"/v1 {place.name}"
    return named if place.path.startswith("/v1/") and place.name in ("file_id", "batch_id") else place.name


def by_path(place: IdPlace, id: str) -> Asked:
    query, body = BODIES[place.method, place.path]
    path = place.path.replace(f"{{{place.name}}}", id).replace("{name}", "max").replace("{number}", "1")
    return Asked(place.method, f"{path}?{query}" if query else path, body)


OTHERWISE = str.maketrans("0123456789abcdef", "1234567890bcdefa")


def unknown(id: str) -> str:
    """Return an id of the same form that nothing has: with a digit for a digit, since a field that takes a date tells them apart."""
    head = re.match(r"(?:resp_|file-|batch_)?", id)
    assert head is not None
    return head[0] + id[head.end() :].translate(OTHERWISE)


WHO_AND_HOW = [*(("bob", way) for way in WAYS), ("rita", "bearer"), ("max", "bearer"), ("ada", "bearer"), ("ada", "key")]
REVIEW = ("feedback", "/cases/", "/case-views/", "/datasets/", "/review-guidelines/", "/review-questions/")
"""What reviewers may read of everybody."""
NOT_FOR_KEYS = ("/api/v1/keys/", "/api/v1/sessions/", "/api/v1/groups/")
"""A key may not ask for these at all, or only with the scope admin."""


GONE = (403, 404)
REFUSED = (400, 403, 404, 422)
"""How a body is answered that names something which does not exist."""


class House(NamedTuple):
    address: str
    description: dict[str, Any]
    anns: Ids
    own: dict[str, Ids]
    router: FakeRouter

    @property
    def paths(self) -> list[IdPlace]:
        return sorted(place for place in in_paths(self.description) if of_a_person(place))

    @property
    def fields(self) -> list[IdPlace]:
        return sorted(place for place in in_queries_and_bodies(self.description) if tuple(place) in FIELDS)


@pytest.fixture(scope="module")
def house(server: Server, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yield a portal where ann has one of everything, and everybody else a conversation and two answers to vote on."""
    router = FakeRouter()
    portal = open_portal(empty_home, tmp_path_factory.mktemp("foreign") / "home", router, FakePool())
    server.portal = portal
    answer_jobs(portal)
    with ExitStack() as open_:
        open_.callback(portal.close)
        clients = {name: open_.enter_context(by_bearer(server.address, name)) for name in ("ann", *OTHERS)}
        use_detector(clients["ada"], open_.enter_context(detector_server()))
        own = {name: _own(clients[name]) for name in OTHERS}
        anns = make_things(clients["ann"], "ann", clients["ada"], router)
        open_.callback(router.release)
        yield House(server.address, server.app.openapi(), anns, own, router)


def _own(client: httpx.Client) -> Ids:
    chat = done(client.post("/api/v1/conversations", json={}))["id"]
    two = done(client.post("/api/v1/conversations", json={}))["id"]
    compared = done(client.post(f"/api/v1/conversations/{two}/side-by-side", json={"text": "Hi", "models": ["fake", "fake"]}))
    until(lambda: client.get(f"/api/v1/conversations/{two}/messages").json()["items"][-1]["status"] != "streaming")
    lane = compared["lanes"][0]["answer_id"]
    steps = [{"id": "s1", "kind": "read", "title": "Read", "inputs": ["file1"]}]
    template = {"title": "Read", "request": "Read a file", "steps": steps, "files": [{"name": "a.txt"}]}
    made = done(client.post("/api/v1/task-templates", json=template))["id"]
    return {"template_id": made, "conversation_id": chat, "question_id": compared["question_id"], "answer_id": lane}


def seen(address: str, anns: Ids) -> list[object]:
    """Everything of ann's, as she reads it."""
    with by_bearer(address, "ann") as ann:
        whole = ("conversations", "folders", "prompts", "collections", "memories", "ground", "keys")
        listed = [done(ann.get(f"/api/v1/{path}"))["items"] for path in whole]
        running = [done(ann.get(f"/api/v1/{path}"))["items"] for path in ("ground-batches", "jobs")]
        running += [done(ann.get(f"/v1/{path}"))["data"] for path in ("files", "batches")]
        return [*listed, done(ann.get(f"{chat_path(anns)}/messages")), *(sorted(each["id"] for each in items) for items in running)]


def named(text: str, id: str) -> str:
    """Return an answer without what differs from one request to the next."""
    return re.sub(r'"\w*seconds":[\d.]+', "", text.replace(id, "ID"))


def test_every_parameter_of_a_path_says_whose_it_is(server: Server) -> None:
    assert {place.name for place in in_paths(server.app.openapi())} == OF_A_PERSON | OF_THE_HOUSE


def test_every_field_that_takes_an_id_is_tried(server: Server) -> None:
    found = in_queries_and_bodies(server.app.openapi())
    known = set(FIELDS) | set(CURSORS) | PATHS_AND_CONTENTS | OF_THE_AUDIT_LOG
    left = [place for place in found if tuple(place) not in known and place.name not in NO_IDS]
    assert [place for place in left if not (place.name == "id" and place[:2] in IDS_OF_CALLS)] == []
    assert known <= {tuple(place) for place in found}


@pytest.mark.parametrize(("name", "way"), WHO_AND_HOW)
def test_nobody_reaches_what_is_somebody_elses(house: House, way: str, name: str) -> None:
    before, told = seen(house.address, house.anns), list[str]()
    attempts = [(place, house.anns[thing(place)], by_path) for place in house.paths]
    with WAYS[way](house.address, name) as other:
        for place, id, ask in attempts:
            if (name == "ada" and place.path.startswith(ADMINS_TOO)) or (way == "key" and place.path.startswith(NOT_FOR_KEYS)):
                continue
            told += _told(other, ask(place, id), ask(place, unknown(id)), id)
        for place in house.fields:
            if name == "ada" and place.name == "group_id":
                continue
            id = house.anns[_thing_of_field(place)]
            ask_with = FIELDS[tuple(place)]
            own = house.own[name]
            told += _told(other, ask_with(id, own), ask_with(unknown(id), own), id)
    assert not told, "\n".join(told)
    assert seen(house.address, house.anns) == before


def _thing_of_field(place: IdPlace) -> str:
    by_place = THING_OF_A_FIELD.get(tuple(place)) or THING_OF_A_FIELD.get(place.name, place.name)
    return by_place


def _told(other: httpx.Client, asked: Asked, of_nobody: Asked, id: str) -> list[str]:
    """Return what the answer discloses: all but the 404 of an object that does not exist, and a 403 that names no object."""
    answered, expected = (other.request(each.method, each.path, json=each.body) for each in (asked, of_nobody))
    refused = answered.status_code in (REFUSED if asked.body else GONE) and MARK not in answered.text
    if refused and answered.status_code == expected.status_code and named(answered.text, id) == named(expected.text, unknown(id)):
        return []
    return [f"{asked.method} {asked.path}: {answered.status_code} {answered.text[:200]} | {expected.status_code} {expected.text[:200]}"]


@pytest.mark.parametrize("kind", ["conversations", "files", "prompts"])
def test_without_the_guard_somebody_elses_things_are_reached(house: House, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The guard is the question who owns it. Without it the check above finds what is told."""
    module = {"conversations": "core.chat.conversations", "files": "core.knowledge.files", "prompts": "core.prompts.library"}[kind]
    if kind == "prompts":
        monkeypatch.setattr(f"{module}.sees", lambda *_: True)
    else:
        monkeypatch.setattr(f"{module}.allows", lambda user, permission, owner_id=None: True)
    with by_bearer(house.address, "bob") as bob:
        reads = [place for place in house.paths if place.method == "GET" and place.path.startswith(f"/api/v1/{kind}/")]
        asked = [(place, house.anns[thing(place)]) for place in reads]
        assert any(_told(bob, by_path(place, id), by_path(place, unknown(id)), id) for place, id in asked)


def test_a_new_field_for_an_id_is_found(server: Server) -> None:
    """Taken from the test's tables as nobody named it there: the first two tests fail for it."""
    description = copy.deepcopy(server.app.openapi())
    description["paths"]["/api/v1/secrets/{secret_id}"] = {"get": {"parameters": [{"in": "query", "name": "owner_id"}]}}
    assert {place.name for place in in_paths(description)} - OF_A_PERSON - OF_THE_HOUSE == {"secret_id"}
    assert ("GET", "/api/v1/secrets/{secret_id}", "owner_id") in in_queries_and_bodies(description)


@pytest.mark.parametrize("name", OTHERS)
def test_a_cursor_or_filter_of_somebody_else_tells_nothing(house: House, name: str) -> None:
    with by_bearer(house.address, name) as other:
        for (method, path, field), kind in CURSORS.items():
            if name == "ada" and path == "/api/v1/jobs":
                continue
            id = house.anns[kind]
            words = {"q": MARK} if path == "/api/v1/search" else {}
            answered, expected = (other.request(method, path, params={field: each, **words}) for each in (id, unknown(id)))
            assert answered.status_code == expected.status_code, f"{method} {path} {field}: {answered.text[:200]} {expected.text[:200]}"
            assert MARK not in answered.text.replace(f'"{MARK}"', ""), f"{method} {path} {field}"
            assert named(answered.text, id) == named(expected.text, unknown(id)), f"{method} {path} {field}"


def test_a_request_id_of_somebody_else_brings_no_answer_of_theirs(house: House) -> None:
    with by_bearer(house.address, "bob") as bob:
        chat = done(bob.post("/api/v1/conversations", json={}))["id"]
        body = {"text": "Hi", "models": ["fake", "fake"], "request_id": house.anns["request_id"]}
        asked = done(bob.post(f"/api/v1/conversations/{chat}/side-by-side", json=body))
        assert asked["conversation_id"] == chat
        assert MARK not in bob.get(f"/api/v1/conversations/{chat}/messages").text


def test_nobody_reaches_it_without_signing_in(house: House) -> None:
    with httpx.Client(verify=TLS, base_url=house.address, timeout=60) as client:
        for place in house.paths:
            asked = by_path(place, house.anns[thing(place)])
            assert client.request(asked.method, asked.path, json=asked.body).status_code == 401, f"{asked.method} {asked.path}"


def test_a_cookie_from_another_site_writes_nothing(house: House) -> None:
    with by_cookie(house.address, "ann") as owner:
        owner.headers["Origin"] = "https://evil.example"
        assert owner.delete(chat_path(house.anns)).status_code == 403


def _filled(path: str, others: Mapping[str, str]) -> str:
    for name, id in others.items():
        path = path.replace(name, id)
    return path


def _of_managers(ada: httpx.Client, server: Server) -> Ids:
    """Make what managers and admins share, where an earlier test has made none, and return the ids."""
    rule = {"rule": {"name": uuid4().hex, "measure": "errors", "threshold": 5}}
    board = {"name": uuid4().hex, "cards": ["overview.figures"], "every": "never"}
    plan = done(ada.post("/api/v1/usage/report-plans", json={"plan": board}))
    done(ada.post(f"/api/v1/usage/report-plans/{plan['id']}/reports"))
    until(lambda: done(ada.get("/api/v1/usage/reports"))["items"])
    portal, comparison, swap = server.portal, uuid4().hex, uuid4().hex
    assert portal is not None
    with SqlUnitOfWork(portal.database) as work:
        work.file_comparisons.add(records.comparison(comparison))
        work.swaps.add(records.swap(swap))
        work.commit()
    if not done(ada.get("/api/v1/experiments"))["items"]:
        done(ada.post("/api/v1/experiments", json={"name": MARK, "subject": "fake", "other": "formal"}))
    return {
        "rule_id": done(ada.post("/api/v1/alert-rules", json=rule))["id"], "plan_id": plan["id"],
        "webhook_id": done(ada.post("/api/v1/alert-webhooks", json={"name": uuid4().hex, "address": "https://pager.example/x"}))["id"],
        "report_id": done(ada.get("/api/v1/usage/reports"))["items"][0]["id"], "comparison_id": comparison, "swap_id": swap,
        "experiment_id": done(ada.get("/api/v1/experiments"))["items"][0]["experiment"]["id"],
    }  # fmt: skip


def _logged_turn(ada: httpx.Client, server: Server) -> str:
    """Write a line of a turn into the log, and return the turn's id."""
    assert server.portal is not None
    turn = uuid4().hex
    line = {"time": datetime.now(UTC).isoformat(), "level": "INFO", "logger": "core.chat.turns", "message": MARK, "turn_id": turn}
    file = server.portal.settings.home / "logs" / "portal.log"
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
    assert done(ada.get(f"/api/v1/logs/turns/{turn}"))["items"]
    return turn


@pytest.mark.parametrize("name", ["bob", "rita", "max"])
def test_without_the_permission_the_houses_ids_are_not_told_apart(house: House, server: Server, name: str) -> None:
    """Whether a role, preset, limit, case, alert rule, report or experiment exists is not for those who may not see them."""
    with by_bearer(house.address, "ada") as ada, by_bearer(house.address, "ann") as ann, by_bearer(house.address, name) as other:
        done(ann.put(f"/api/v1/messages/{house.anns['message_id']}/feedback", json={"rating": 1}))
        limit = {"holder": "everyone", "measure": "uploads", "period": "month", "amount": 999}
        exist = {"limit_id": done(ada.put("/api/v1/limits", json=limit))["id"], "number": "1", "name": "ann"}
        exist["feedback_id"] = done(ada.get("/api/v1/feedback"))["items"][0]["id"]
        exist["canary_id"] = done(ada.post("/api/v1/canary-questions", json={"question": MARK}))["id"]
        ada.post("/api/v1/replay-questions", json={"model": "x", "question": MARK, "accepted": "y"})
        exist["replay_id"] = done(ada.get("/api/v1/replay-questions"))["items"][0]["id"]
        ada.post("/api/v1/datasets", json={"name": MARK, "settings": {"format": "sft", "sources": ["good"]}})
        exist["dataset_id"] = done(ada.get("/api/v1/datasets"))["items"][0]["id"]
        exist |= _of_managers(ada, server) | {"turn_id": _logged_turn(ada, server)}
        assert set(exist) == OF_THE_HOUSE - NAMES_OF_THE_PORTAL
        others = {"{dataset_id}": exist["dataset_id"], "{number}": "1", "{name}": "train.jsonl"}
        for place in sorted(in_paths(house.description)):
            if place.name not in exist or (name == "max" and place.path.startswith(OF_MANAGERS)):
                continue
            if "{prompt_id}" in place.path or "{group_id}" in place.path or place.path.startswith("/v1/"):
                continue
            query, body = BODIES[place.method, place.path]
            there, nowhere = (
                other.request(place.method, f"{_filled(place.path.replace(f'{{{place.name}}}', id), others)}?{query}", json=body)
                for id in (exist[place.name], unknown(exist[place.name]) if len(exist[place.name]) > 3 else "7654321")
            )
            if there.status_code != 403:
                of_review = any(each in place.path for each in REVIEW)
                assert of_review and name == "rita", f"{place}: {there.status_code} {there.text[:200]}"
                continue
            assert named(there.text, "") == named(nowhere.text, ""), f"{place}"


@pytest.mark.parametrize("way", WAYS)
def test_the_owner_reaches_it_by_every_way(house: House, way: str) -> None:
    with WAYS[way](house.address, "ann") as owner:
        for place in house.paths:
            if place.method == "GET" and not (way == "key" and place.path.startswith(NOT_FOR_KEYS)):
                asked = by_path(place, house.anns[thing(place)])
                answered = owner.request(asked.method, asked.path)
                assert answered.status_code == 200, f"{asked.method} {asked.path}: {answered.status_code} {answered.text[:200]}"


def test_what_was_refused_to_others_is_granted_to_the_owner(house: House, server: Server) -> None:
    """The last test of this house: it changes and deletes everything. None of it is answered as if it did not exist.

    Every deletion is in the audit log.
    """
    writes = [place for place in house.paths if place.method != "GET" and not place.path.endswith("/summary")]
    waits = [place for place in writes if thing(place) == "busy_id"]
    # What the chat needs goes last, and of it the chat itself; a collection after its documents.
    writes.sort(key=lambda one: (["PUT", "PATCH", "POST", "DELETE"].index(one.method), _goes_last(one.path), -len(one.path)))
    unaudited = []
    with by_bearer(house.address, "ann") as owner:
        for place in waits:
            _reached(owner, place, by_path(place, house.anns["busy_id"]))
        house.router.release()
        for place in house.fields:
            # An import consumes its file, and make_things has done one.
            if place.name not in ("preferred_id", "ids") and not place.path.endswith(("/summary", "/chat-imports")):
                _reached(owner, place, FIELDS[tuple(place)](house.anns[_thing_of_field(place)], house.anns))
        for place in writes:
            if place not in waits:
                before = events(server)
                answered = _reached(owner, place, by_path(place, house.anns[thing(place)]))
                deleted = place.method == "DELETE" and answered.is_success and place.path not in NOT_AUDITED
                if deleted and events(server) == before:
                    unaudited.append(place.path)
    assert unaudited == []


def _goes_last(path: str) -> bool:
    return "{conversation_id}" in path or path.endswith("{collection_id}")


def events(server: Server) -> int:
    """Return the number of events in the audit log."""
    portal = server.portal
    assert portal is not None
    admin = portal.accounts.credentials("ada")
    assert admin is not None
    return portal.audit.find(admin.user, AuditFilter(), limit=1).total


def _reached(owner: httpx.Client, place: IdPlace, asked: Asked) -> httpx.Response:
    answered = owner.request(asked.method, asked.path, json=asked.body)
    assert answered.status_code != 404, f"{place}: {answered.text[:200]}"
    return answered
