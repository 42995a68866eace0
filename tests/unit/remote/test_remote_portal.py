"""A user server's portal against a real admin server: answers, files, sign-in, and behaviour while the admin server is unavailable."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import cast

import pytest

from bootstrap.portal import Portal
from bootstrap.servers.remote import connect
from core.chat.records import MessageStatus
from core.chat.turns import TurnOptions
from core.errors import Busy, InvalidInput, NotFound, NotSignedIn, PortalError, ServerUnreachable, StartFailed, Unavailable
from core.identity.totp import code_at, step_of
from core.knowledge.file_texts import FileTexts
from core.people.records import SessionKind, User
from core.people.sessions import Proof
from remote.connection import Connection
from remote.frames import Message
from remote.identity import SealedProof, SessionUser
from remote.portal import RemotePortal
from samples.fakes import FakeRouter
from tests.unit.remote.conftest import KEY, AdminServer, user_settings

Person = Callable[[str], SessionUser]
LONG_S = 60.0


def held_answer(portal: Portal, user: User, router: FakeRouter) -> str:
    """Ask something whose answer waits for router.release. Returns the chat."""
    router.hold()
    chat = portal.conversations.new(user)
    portal.turns.start(user, chat.id, "Hello?", TurnOptions(), f"request-{chat.id}")
    return chat.id


def test_an_answer_is_followed_word_by_word(user_server: Portal, person: Person, router: FakeRouter) -> None:
    ann = person("ann")
    chat = held_answer(user_server, ann, router)
    running = user_server.turns.running(ann, chat)
    assert running is not None and running is user_server.turns.running(ann, chat), "pages share one stream"
    assert user_server.turns.count() == 1 and user_server.turns.running_conversations(ann) == {chat}
    router.release(2)
    first = running.wait(0, LONG_S)
    while not first.text:
        first = running.wait(first.version, LONG_S)
    assert first.running and "Hello from the fake model".startswith(first.text)
    router.release()
    last = running.wait_finished(LONG_S)
    assert (last.status, last.text) == (MessageStatus.DONE, "Hello from the fake model")
    assert user_server.conversations.transcript(ann, chat)[-1].message.text == "Hello from the fake model"


def test_stop_reaches_the_admin_server(user_server: Portal, person: Person, router: FakeRouter) -> None:
    ann = person("ann")
    chat = held_answer(user_server, ann, router)
    running = user_server.turns.running(ann, chat)
    assert running is not None
    running.stop()
    assert running.wait_finished(LONG_S).status is MessageStatus.STOPPED


def test_nobody_follows_or_stops_the_answer_of_another_person(user_server: Portal, person: Person, router: FakeRouter) -> None:
    ann, bob = person("ann"), person("bob")
    chat = held_answer(user_server, ann, router)
    found = user_server.turns.running(ann, chat)
    assert found is not None
    assert user_server.turns.running(bob, chat) is None
    assert user_server.turns.find(bob, found.turn.id) is None
    assert user_server.turns.stop(bob, chat) is False
    router.release()
    assert found.wait_finished(LONG_S).status is MessageStatus.DONE


def test_a_sign_out_ends_what_follows_an_answer(user_server: Portal, person: Person, router: FakeRouter) -> None:
    ann = person("ann")
    chat = held_answer(user_server, ann, router)
    running = user_server.turns.running(ann, chat)
    assert running is not None and running.snapshot().running
    user_server.sessions.close(ann.token)
    assert not running.wait_finished(LONG_S).running
    with pytest.raises(NotSignedIn):
        user_server.conversations.list(ann)
    router.release()


def test_the_queue_of_a_document_is_told_while_the_upload_waits(user_server: Portal, portal: Portal, person: Person) -> None:
    class Reader:
        def text(self, name: str, content: bytes, person: str = "", on_queue_position: Callable[[int], None] | None = None) -> str:
            assert on_queue_position is not None
            for place in (3, 2, 1):
                on_queue_position(place)
            return f"The text of {len(content)} bytes"

    portal.files._texts = FileTexts(Reader())
    places: list[int] = []
    content = b"%PDF-1.4 " + bytes(range(256)) * 4_000
    file = user_server.files.upload(person("ann"), "report.pdf", content, places.append)
    assert places == [3, 2, 1]
    assert user_server.files.read(person("ann"), file.id) == (replace(file), content)


def test_a_file_above_the_limit_is_refused_in_words(user_server: Portal, person: Person) -> None:
    with pytest.raises(InvalidInput, match="large"):
        user_server.files.upload(person("ann"), "a.txt", b"x" * 30_000_000)


def test_a_person_without_a_session_can_do_nothing(user_server: Portal, portal: Portal) -> None:
    ada = portal.accounts.people(None)[0]
    with pytest.raises(NotSignedIn):
        user_server.accounts.people(ada)
    with pytest.raises(NotSignedIn):
        user_server.conversations.list(SessionUser.of(ada, "made up"))


def test_the_person_is_whoever_the_session_belongs_to(user_server: Portal, portal: Portal, person: Person) -> None:
    """A user server that was taken over claims that an analyst is an admin."""
    ann, ada = person("ann"), person("ada")
    claimed = SessionUser.of(ada, ann.token)
    assert [each.user_id for each in [user_server.conversations.new(claimed)]] == [ann.id]
    with pytest.raises(Exception, match=r"role|rights"):
        user_server.accounts.people(claimed)


def test_a_proof_cannot_be_made_up_and_works_once(user_server: Portal, person: Person) -> None:
    ada = person("ada")
    proof = user_server.sign_in.check("ann", "correct horse", _visitor())  # type: ignore[arg-type]
    forged = SealedProof(ada, handle="made up")
    with pytest.raises(NotSignedIn):
        user_server.sessions.open(forged, SessionKind.BROWSER)
    token = user_server.sessions.open(proof, SessionKind.BROWSER)
    assert user_server.sessions.user(token).name == "ann"  # type: ignore[union-attr]
    with pytest.raises(NotSignedIn):
        user_server.sessions.open(proof, SessionKind.BROWSER)
    assert isinstance(proof, Proof) and not proof.mark, "the fingerprint of the password stays on the admin server"


def test_a_mistyped_second_factor_leaves_the_proof_of_the_password(user_server: Portal, portal: Portal) -> None:
    ann = portal.accounts.credentials("ann").user  # type: ignore[union-attr]
    setup = portal.second_factors.set_up(ann)
    portal.second_factors.confirm(ann, code_at(setup.secret, step_of(datetime.now(UTC))))
    proof = user_server.sign_in.check("ann", "correct horse", _visitor())  # type: ignore[arg-type]
    assert user_server.second_factors.needed(proof.user)
    with pytest.raises(PortalError):
        user_server.second_factors.prove(proof, "000000")
    with pytest.raises(NotSignedIn):
        user_server.conversations.list(proof.user)
    proven = user_server.second_factors.prove(proof, code_at(setup.secret, step_of(datetime.now(UTC)) + 1))
    token = user_server.sessions.redeem_ticket(user_server.sessions.issue_ticket(proven))
    assert user_server.sessions.user(token).name == "ann"  # type: ignore[union-attr]


def _visitor() -> object:
    from core.people.signing_in.sign_in import Caller

    return Caller("127.0.0.1")


def test_rest_gets_a_future_of_a_sign_in(user_server: Portal) -> None:
    check = user_server.sign_in.begin("ann", "wrong", _visitor())  # type: ignore[arg-type]
    with pytest.raises(NotSignedIn, match="do not match"):
        check.result(LONG_S)


def test_limits_are_those_of_the_admin_server(user_server: Portal, portal: Portal) -> None:
    assert user_server.settings.max_question_chars == portal.settings.max_question_chars
    assert user_server.settings.home != portal.settings.home, "everything else is its own"
    assert user_server.files.max_bytes == portal.files.max_bytes and user_server.sessions.lifetime == portal.sessions.lifetime


def test_what_a_user_server_has_not_is_not_there(user_server: Portal) -> None:
    for name in ("database", "pool", "job_worker"):
        assert not hasattr(user_server, name)
    assert not hasattr(user_server.sign_in, "_hasher") and not hasattr(user_server.accounts, "credentials")


# While the admin server is away


def test_calls_fail_in_words_while_the_admin_server_is_away_and_work_again_by_themselves(
    user_server: Portal, admin_server: AdminServer, person: Person
) -> None:
    ann = person("ann")
    admin_server.stop()
    with pytest.raises(ServerUnreachable, match="cannot be reached") as caught:
        user_server.conversations.list(ann)
    admin_server.start()
    assert caught.value.wait(LONG_S)
    assert user_server.conversations.list(ann) == []


def test_a_page_waits_for_the_admin_server_and_goes_on(user_server: Portal, admin_server: AdminServer, person: Person) -> None:
    ann = person("ann")
    told: list[str] = []
    waits = threading.Event()

    @contextmanager
    def waiting() -> Iterator[Callable[[], object]]:
        told.append("away")
        waits.set()
        yield lambda: None
        told.append("back")

    admin_server.stop()
    found: list[object] = []
    with cast(RemotePortal, user_server).for_page(waiting, {}) as page:
        asking = threading.Thread(target=lambda: found.append(page.conversations.list(ann)))
        asking.start()
        assert waits.wait(LONG_S) and found == []
        admin_server.start()
        asking.join(LONG_S)
    assert found == [[]] and told == ["away", "back"]


def test_a_running_answer_keeps_its_text_while_the_admin_server_is_away_and_goes_on(
    user_server: Portal, admin_server: AdminServer, person: Person, router: FakeRouter
) -> None:
    ann = person("ann")
    chat = held_answer(user_server, ann, router)
    running = user_server.turns.running(ann, chat)
    assert running is not None
    router.release(2)
    while not (text := running.snapshot().text):
        running.wait(running.snapshot().version, LONG_S)
    admin_server.stop()  # The connections only: the portal continues, as behind a proxy that restarts.
    assert running.snapshot().text.startswith(text) and running.snapshot().running
    router.release()
    admin_server.start()
    last = running.wait_finished(LONG_S)
    assert user_server.conversations.transcript(ann, chat)[-1].message.text == "Hello from the fake model"
    assert last.text in ("Hello from the fake model", text), "it ended either while it was followed or while nobody could see"


def test_the_next_admin_server_is_asked_when_one_is_gone(admin_server: AdminServer, portal: Portal, tmp_path: Path, person: Person) -> None:
    second = AdminServer(portal)
    settings = replace(user_settings(admin_server, tmp_path), server=f"{admin_server.address}, {second.address}")
    opened = connect(settings)
    try:
        ann = person("ann")
        admin_server.stop()
        assert opened.conversations.list(ann) == []
    finally:
        cast(RemotePortal, opened).close()
        second.stop()
        admin_server.start()


class Stopping(BaseHTTPRequestHandler):
    """An admin server that is stopping: everything new is refused."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_answer_is_followed_on_the_next_admin_server_while_one_is_stopping(
    admin_server: AdminServer, portal: Portal, person: Person, router: FakeRouter
) -> None:
    ann = person("ann")
    chat = held_answer(portal, ann, router)
    running = portal.turns.running(ann, chat)
    assert running is not None
    with HTTPServer(("127.0.0.1", 0), Stopping) as stopping:
        threading.Thread(target=stopping.serve_forever, args=(0.01,), daemon=True).start()
        connection = Connection([f"http://127.0.0.1:{stopping.server_port}", admin_server.address], lambda: KEY)
        with connection.stream(f"/internal/v1/live/{running.turn.id}", ann.token, Message({})) as lines:
            assert "now" in next(iter(lines))
        connection.close()
        stopping.shutdown()
    router.release()


def test_a_user_server_starts_while_the_admin_server_is_away(admin_server: AdminServer, tmp_path: Path) -> None:
    admin_server.stop()
    opened = cast(RemotePortal, connect(user_settings(admin_server, tmp_path)))
    try:
        assert not opened.is_ready
    finally:
        opened.close()
        admin_server.start()


def test_a_wrong_service_key_stops_the_start(admin_server: AdminServer, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="PORTAL_SERVICE_KEYS must be the same"):
        connect(user_settings(admin_server, tmp_path, key="x" * 40))


def test_too_many_calls_of_one_session_are_refused_for_a_moment(
    user_server: Portal, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.internal import routes
    from api.internal.access import RateLimit

    ann = person("ann")
    monkeypatch.setattr(routes, "session_limit", RateLimit(2, window_s=3600))
    user_server.folders.list(ann)
    user_server.folders.list(ann)
    with pytest.raises(Busy):
        user_server.folders.list(ann)
    user_server.folders.list(person("bob"))


def test_a_stored_chat_that_is_not_there_is_the_same_error(user_server: Portal, person: Person) -> None:
    with pytest.raises(NotFound):
        user_server.conversations.get(person("ann"), "missing")


def test_a_service_key_is_replaced_while_both_run(admin_server: AdminServer, tmp_path: Path, person: Person) -> None:
    old, new = KEY, "another-service-key-of-the-tests-01234"
    on_admin, on_user = tmp_path / "admin.keys", tmp_path / "user.keys"

    def write(path: Path, *keys: str) -> None:
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_text("\n".join(keys))
        os.utime(path, ns=(before + 10**9,) * 2)  # Clocks of file systems are coarse.

    write(on_admin, old), write(on_user, old)
    admin_server.portal = replace(admin_server.portal, settings=replace(admin_server.portal.settings, service_keys_file=str(on_admin)))
    opened = connect(replace(user_settings(admin_server, tmp_path), service_keys_file=str(on_user)))
    remote = cast(RemotePortal, opened)
    try:
        ann = person("ann")
        for on_the_admin_server, on_the_user_server in (((old, new), (old,)), ((old, new), (new,)), ((new,), (new,))):
            write(on_admin, *on_the_admin_server), write(on_user, *on_the_user_server)
            opened.folders.list(ann)
            remote.check()
            assert remote.is_ready
        write(on_user, old)
        with pytest.raises(Unavailable, match="does not accept this server's key"):
            opened.folders.list(ann)
        remote.check()
        assert not remote.is_ready, "a server that is refused is of no use to anyone"
        write(on_user, new)
        remote.check()
        assert remote.is_ready
    finally:
        remote.close()
