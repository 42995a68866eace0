"""Encryption at rest: nothing readable in the store, keys that change while it runs, and no start without the key."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Text, select, text, type_coerce, update

from core.errors import StartFailed, Unavailable
from core.index import SearchQuery
from data.backup.restore import restore
from data.backup.write import write_backup
from data.database import Database, open_database
from data.documents import load_documents
from data.index_queue import IndexWorker
from data.migrate import migrate
from data.reseal import reseal
from data.sealed_text import MARK, SealedProse
from data.sealing import Keyring, use_keyring
from data.search.port import WritableIndex
from data.tables import MessageTable, Table
from data.unit_of_work import SqlUnitOfWork
from settings import Settings
from store_parts import open_index
from tests.functional import things
from tests.functional.things import put_exchange, put_user
from tests.servers.elasticsearch_node import ElasticsearchNode

MASTER = b"m" * 32
SECRET = "the merger is on Friday 合并"
_MESSAGE = MessageTable.__table__.c


def again(database: Database) -> Database:
    """The same store as another process has it."""
    return open_database(database.url.render_as_string(hide_password=False))


def sealing(database: Database, master: bytes = MASTER) -> Keyring:
    keyring = use_keyring(database, master)
    assert keyring is not None
    return keyring


def put_secrets(database: Database) -> tuple[str, str]:
    """Secrets in every column that is sealed; returns the ids of question and rating."""
    ana = put_user(database, things.user(things.new_id()))
    _, asked, answered = put_exchange(database, ana, SECRET, SECRET, SECRET)
    rated = things.feedback(ana, answered, -1, SECRET)
    with SqlUnitOfWork(database) as work:
        work.messages.checkpoint(answered.id, SECRET, SECRET)
        work.messages.finish(answered.id, answered.status, SECRET, SECRET)
        work.feedback.put(rated)
        work.feedback.review(rated.id, rated.state, SECRET, ana.id, things.NOW)
        work.commit()
    return asked.id, rated.id


def raw_texts(database: Database) -> dict[str, list[str]]:
    """What lies in the sealed columns."""
    found: dict[str, list[str]] = {}
    with database.connect() as connection:
        for table in Table.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, SealedProse):
                    found[column.type.where] = list(connection.scalars(select(type_coerce(column, Text))))
    return found


def readable(database: Database, asked: str, rated: str) -> bool:
    with SqlUnitOfWork(database) as work:
        message, feedback = work.messages.get(asked), work.feedback.get(rated)
        assert message is not None
        assert feedback is not None
        talk = work.conversations.get(message.conversation_id)
        assert talk is not None
        answer = work.messages.get(feedback.message_id)
        assert answer is not None
        texts = {message.text, answer.text, answer.reasoning, talk.title, feedback.comment, feedback.note, feedback.question}
    return texts == {SECRET}


def test_every_sealed_column_says_where_it_stands() -> None:
    sealed = {f"{column.table.name}.{column.name}": column.type for each in Table.metadata.tables.values() for column in each.columns}
    places = {place: kind.where for place, kind in sealed.items() if isinstance(kind, SealedProse)}
    assert places == {place: place for place in places}
    assert set(places) == {"conversations.title", "messages.text", "messages.reasoning", "feedback.comment", "feedback.note"}


def test_nothing_readable_lies_in_the_store_and_all_of_it_can_be_read(database: Database) -> None:
    sealing(database)
    ids = put_secrets(database)
    texts = raw_texts(database)
    assert all(each.startswith(MARK) for column in texts.values() for each in column)
    assert all(column for column in texts.values())
    assert "merger" not in repr(texts)
    assert len(set(texts["messages.text"])) == len(texts["messages.text"]), "equal texts must not look equal"
    assert readable(database, *ids)
    with database.connect() as connection:
        [document] = load_documents(connection, {("message", ids[0]): 1})
    assert document.text == SECRET


def test_a_text_that_was_changed_or_moved_is_not_read(database: Database) -> None:
    sealing(database)
    asked, _ = put_secrets(database)
    with database.connect() as connection:
        [title] = list(connection.scalars(text("SELECT title FROM conversations")))
        [stored] = list(connection.scalars(select(type_coerce(_MESSAGE.text, Text)).where(_MESSAGE.id == asked)))
    for broken in (title, stored[:-6] + "AAAA==", stored[:30], MARK, MARK + "nokey:AAAA"):
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE messages SET text = :broken WHERE id = :id"), {"broken": broken, "id": asked})
        with pytest.raises(Unavailable, match="cannot be decrypted"), SqlUnitOfWork(database) as work:
            work.messages.get(asked)


def test_a_plain_text_is_never_taken_for_a_sealed_one(database: Database) -> None:
    _, asked, _ = put_exchange(database, put_user(database), MARK + "not sealed")
    with SqlUnitOfWork(database) as work:
        found = work.messages.get(asked.id)
    assert found is not None
    assert found.text == "\ufffdnot sealed"


def test_encryption_is_switched_on_while_the_portal_runs(database: Database) -> None:
    ids = put_secrets(database)
    other = again(database)
    keyring = sealing(other)
    assert readable(other, *ids)  # what is plain stays readable
    count = sum(len(column) for column in raw_texts(database).values())
    assert reseal(other, keyring) == count
    assert "merger" not in repr(raw_texts(database))
    assert readable(other, *ids)
    assert reseal(other, keyring) == 0
    if database.is_sqlite:
        database.close()
        other.close()
        file = Path(str(database.url.database))
        assert b"merger" not in b"".join(path.read_bytes() for path in file.parent.glob(file.name + "*"))
    other.close()


def test_a_new_data_key_is_taken_up_by_a_portal_that_runs(database: Database) -> None:
    sealing(database)
    ids = put_secrets(database)
    other = again(database)
    keyring = sealing(other)
    keyring.add_key()
    assert reseal(other, keyring) > 0
    assert readable(database, *ids)
    put_secrets(database)
    assert {each.partition(":")[0] for column in raw_texts(database).values() for each in column} == {MARK + keyring.current}
    other.close()


def test_another_master_key_wraps_the_same_data_keys(database: Database) -> None:
    keyring = sealing(database)
    ids = put_secrets(database)
    before = raw_texts(database)
    assert keyring.rewrap(b"n" * 32) == 1
    assert raw_texts(database) == before
    other = again(database)
    with pytest.raises(StartFailed, match="master key is not the one"):
        use_keyring(other, MASTER)
    sealing(other, b"n" * 32)
    assert readable(other, *ids)
    other.close()


def test_an_encrypted_store_does_not_start_without_its_key(database: Database) -> None:
    use_keyring(database, None)
    sealing(database)
    asked, _ = put_secrets(database)
    other = again(database)
    with pytest.raises(StartFailed, match="is encrypted"):
        use_keyring(other, None)
    with pytest.raises(Unavailable, match="has no key"), SqlUnitOfWork(other) as work:
        work.messages.get(asked)
    other.close()


def test_a_change_during_resealing_is_not_overwritten(database: Database) -> None:
    asked, _ = put_secrets(database)
    other = again(database)
    keyring = sealing(other)
    is_current = keyring.is_current

    def meanwhile(stored: str) -> bool:
        with database.engine.begin() as connection:
            connection.execute(update(MessageTable).where(_MESSAGE.id == asked).values(text="changed meanwhile"))
        return is_current(stored)

    keyring.is_current = meanwhile  # type: ignore[method-assign]
    reseal(other, keyring)
    with SqlUnitOfWork(other) as work:
        found = work.messages.get(asked)
    assert found is not None
    assert found.text == "changed meanwhile"
    other.close()


def test_a_backup_keeps_what_is_sealed_sealed(database: Database, tmp_path: Path) -> None:
    sealing(database)
    ids = put_secrets(database)
    written = write_backup(database, tmp_path / "portal.backup", None)
    target = open_database(f"sqlite:///{tmp_path / 'restored.db'}")
    with written.path.open("rb") as file:
        restore(target, file, None)
    assert raw_texts(target).keys() == raw_texts(database).keys()
    assert "merger" not in repr(raw_texts(target))
    sealing(target)
    assert readable(target, *ids)
    target.close()


def test_elasticsearch_gets_no_readable_text_unless_an_admin_allows_it(
    elasticsearch_node: ElasticsearchNode, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It is another machine with other readers: what is sealed here must not lie open there."""
    plain = Settings(home=tmp_path, elasticsearch_url=elasticsearch_node.url)
    sealed = replace(plain, master_key=b64encode(MASTER).decode())
    allowed = replace(sealed, index_plaintext=True)
    database = open_database(plain.database)
    request.addfinalizer(database.close)
    migrate(database)
    put_secrets(database)

    def drained(settings: Settings) -> WritableIndex:
        index = open_index(settings, database)
        request.addfinalizer(index.close)
        assert IndexWorker(database, index).drain(20)
        return index

    assert drained(plain).search(SearchQuery("merger", "message"))
    sealing(database)
    put_secrets(database)
    with pytest.raises(Unavailable, match=r"Elasticsearch would keep them in readable form.*PORTAL_INDEX_PLAINTEXT=true"):
        drained(sealed).search(SearchQuery("merger", "message"))
    there = httpx.get(f"{elasticsearch_node.url}/_cat/indices?format=json").json()
    left = {each["index"] for each in there if each["index"].startswith("glm-portal-")}
    # Log lines hold nothing that people wrote.
    assert {name for name in left if not name.startswith("glm-portal-logs-")} == set(), "what lay there from before is gone"
    assert len(drained(allowed).search(SearchQuery("merger", "message"))) == 4
    drained(sealed)
