"""The index queue: the index receives exactly what the store commits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.chat.records import MessageStatus
from core.errors import Unavailable
from core.people.audit_records import AuditEvent
from core.search.records import DocumentKind, SearchPage, SearchQuery
from data.database import Database
from data.index.documents import SOURCES
from data.index.reconciler import Reconciler
from data.index.rejected_jobs import RejectedIndexJobs
from data.index.worker import MAX_ATTEMPTS, IndexWorker
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.port import Document, WritableIndex
from data.search.sqlite.index import SqliteIndex
from data.unit_of_work import SqlUnitOfWork
from samples.servers.elasticsearch_node import ElasticsearchNode
from tests.store import things
from tests.store.things import put_exchange, put_user

SEEN_BEFORE = Document("message", "seen before", 0, "so that the index is not new, and the worker does not fill it")


class MemoryIndex:
    """An index in a dictionary that can be down, and can refuse a document."""

    engine = "memory"

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Document] = {}
        self.down = False
        self.refuses: set[str] = set()
        self.puts: list[list[int]] = []
        self.building = False
        self._lock = threading.Lock()

    def search(self, query: SearchQuery) -> Sequence[object]:
        raise NotImplementedError

    def page(self, query: SearchQuery) -> SearchPage:
        raise NotImplementedError

    def prepare(self) -> None:
        self._check()

    def is_building(self) -> bool:
        return self.building

    def rebuild(self) -> None:
        self.documents.clear()
        self.building = True

    def complete(self) -> None:
        self.building = False

    def fingerprints(self, kind: str, after: str, upto: str | None) -> Mapping[str, str]:
        self._check()
        documents = (document for document in self.documents.values() if document.kind == kind and document.text is not None)
        return {each.id: each.fingerprint for each in documents if after < each.id and (upto is None or each.id <= upto)}

    def is_empty(self) -> bool:
        self._check()
        return not self.documents

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        self._check()
        with self._lock:
            self.puts.append([document.version for document in documents])
            for document in documents:
                old = self.documents.get((document.kind, document.id))
                if document.id not in self.refuses and (old is None or old.version <= document.version):
                    self.documents[document.kind, document.id] = document
        return {(document.kind, document.id): "too strange" for document in documents if document.id in self.refuses}

    def refresh(self) -> None:
        self._check()

    def ids(self, kind: str) -> Iterator[str]:
        self._check()
        return iter([id for (each, id), document in self.documents.items() if each == kind and document.text is not None])

    def close(self) -> None: ...

    def text(self, id: str) -> str | None:
        return next(document.text for document in self.documents.values() if document.id == id)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The index is down.")


@pytest.fixture
def memory() -> MemoryIndex:
    return MemoryIndex()


def worker_of(database: Database, index: object) -> IndexWorker:
    return IndexWorker(database, index)  # type: ignore[arg-type]


def stored_ids(database: Database, kind: str) -> set[str]:
    with database.connect() as connection:
        return set(connection.scalars(SOURCES[kind].ids()))


def agrees(database: Database, index: WritableIndex) -> bool:
    return all(set(index.ids(kind)) == stored_ids(database, kind) for kind in DocumentKind)


def test_every_change_reaches_the_index(database: Database, memory: MemoryIndex) -> None:
    worker = worker_of(database, memory)
    ana = put_user(database)
    talk, asked, answered = put_exchange(database, ana, title="Rates")
    given = things.feedback(ana, answered, -1, "unclear")
    with SqlUnitOfWork(database) as work:
        work.feedback.put(given)
        work.commit()
    assert worker.drain(5)
    assert {id: memory.text(id) for id in (talk.id, asked.id, answered.id)} == {
        talk.id: "Rates",
        asked.id: "What is a bond?",
        answered.id: "A loan that can be sold.",
    }
    assert memory.text(given.id) == "unclear\nWhat is a bond?\nA loan that can be sold."
    assert {document.owner_id for document in memory.documents.values()} == {ana.id}
    assert memory.documents["message", answered.id].model == "glm-4-9b"
    with SqlUnitOfWork(database) as work:
        work.feedback.review(given.id, given.state, "seen", ana.id, things.NOW)
        work.conversations.remove(talk.id)
        work.commit()
    assert worker.drain(5)
    assert [list(memory.ids(kind)) for kind in DocumentKind] == [[], [], [given.id], []]
    assert memory.text(given.id) == "unclear\nseen"


def test_what_was_rolled_back_and_checkpoints_queue_nothing(database: Database, memory: MemoryIndex) -> None:
    worker = worker_of(database, memory)
    ana = put_user(database)
    _, asked, _ = put_exchange(database, ana)
    streaming = things.answer(asked)
    with SqlUnitOfWork(database) as work:
        work.messages.add(streaming)
        work.commit()
    assert worker.drain(5)
    with SqlUnitOfWork(database) as work:
        work.messages.checkpoint(streaming.id, "so far", "")
        work.commit()
    with SqlUnitOfWork(database) as work:
        work.messages.finish(streaming.id, MessageStatus.DONE, "all", "")
    assert worker.pending() == 0


def test_a_job_stays_until_the_index_took_it(database: Database, memory: MemoryIndex) -> None:
    worker = worker_of(database, memory)
    memory.down = True
    put_exchange(database, put_user(database))
    assert not worker.drain(0.2)
    waiting = worker.pending()
    assert waiting > 0
    memory.down = False
    assert worker.drain(5)
    assert worker.pending() == 0
    assert agrees(database, memory)  # type: ignore[arg-type]


def test_a_crash_after_the_put_repeats_it_and_harms_nothing(
    database: Database, memory: MemoryIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = worker_of(database, memory)
    assert worker.drain(5)
    put_exchange(database, put_user(database))
    put = memory.put

    def put_and_die(documents: Sequence[Document]) -> None:
        put(documents)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(memory, "put", put_and_die)
        with pytest.raises(KeyboardInterrupt):
            worker.step()
    assert worker.pending() > 0
    assert worker.drain(5)
    assert memory.puts[0] == memory.puts[1]


def test_the_newest_job_of_a_document_decides_its_version(database: Database, memory: MemoryIndex) -> None:
    worker = worker_of(database, memory)
    talk, _, answered = put_exchange(database, put_user(database))
    with SqlUnitOfWork(database) as work:
        work.messages.finish(answered.id, MessageStatus.DONE, "Newer.", "")
        work.conversations.remove(talk.id)
        work.commit()
    assert worker.drain(5)
    assert memory.documents["message", answered.id].text is None
    assert memory.documents["message", answered.id].version > max(memory.documents["conversation", talk.id].version - 3, 0)


def test_a_refused_document_is_set_aside_and_holds_up_nobody(database: Database, memory: MemoryIndex) -> None:
    worker = worker_of(database, memory)
    _, asked, answered = put_exchange(database, put_user(database))
    memory.refuses = {asked.id}
    memory.put([SEEN_BEFORE])
    assert worker.drain(5)
    assert memory.text(answered.id) == "A loan that can be sold."
    rejected = RejectedIndexJobs(database)
    [job] = rejected.oldest(10)
    assert (rejected.count(), job.kind, job.document_id, job.attempts, job.error) == (1, "message", asked.id, MAX_ATTEMPTS, "too strange")
    assert list(rejected.oldest(10, job.number)) == []
    assert worker.pending() == 0

    assert rejected.retry(job.number + 1000) == 0
    assert rejected.retry(job.number) == 1
    assert worker.drain(5)
    assert rejected.count() == 1
    memory.refuses = set()
    assert rejected.retry(None) == 1
    assert worker.drain(5)
    assert rejected.count() == 0
    assert memory.text(asked.id) == "What is a bond?"


def test_a_new_index_is_filled_from_the_store(database: Database, memory: MemoryIndex) -> None:
    put_exchange(database, put_user(database))
    assert worker_of(database, MemoryIndex()).drain(5)
    assert worker_of(database, memory).drain(5)
    assert agrees(database, memory)  # type: ignore[arg-type]


def test_reindexing_removes_what_only_the_index_has(database: Database, memory: MemoryIndex) -> None:
    worker = worker_of(database, memory)
    put_exchange(database, put_user(database))
    memory.put([Document("message", "phantom", 1, "boo")])
    worker.reindex()
    assert worker.drain(5)
    assert agrees(database, memory)  # type: ignore[arg-type]


def test_a_rebuild_keeps_the_old_index_for_searches_and_misses_nothing(database: Database, tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "search.db")
    worker = IndexWorker(database, index)
    ana = put_user(database)
    put_exchange(database, ana)
    assert worker.drain(5)
    worker.rebuild()
    put_exchange(database, ana)
    assert len(index.search(SearchQuery("loan", "message", ana.id))) == 1
    assert worker.is_rebuilding()
    assert worker.drain(5)
    assert not worker.is_rebuilding()
    assert len(index.search(SearchQuery("loan", "message", ana.id))) == 2
    assert agrees(database, index)
    index.close()


def test_a_rebuild_that_a_crash_cut_is_taken_up_again(database: Database, tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "search.db")
    worker = IndexWorker(database, index)
    put_exchange(database, put_user(database))
    assert worker.drain(5)
    index.rebuild()  # and the process ends before it could queue anything
    index.put([SEEN_BEFORE])
    index.close()
    again = SqliteIndex(tmp_path / "search.db")
    assert IndexWorker(database, again).drain(5)
    assert set(again.ids("message")) == stored_ids(database, "message")
    again.close()


def test_the_reconciler_repairs_what_drifted_and_nothing_else(
    database: Database, memory: MemoryIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.index.reconciler.RANGE", 3)
    monkeypatch.setattr("data.index.reconciler.PAUSE_S", 0)
    worker, reconciler = worker_of(database, memory), Reconciler(database, memory)  # type: ignore[arg-type]
    ana = put_user(database)
    exchanges = [put_exchange(database, ana, f"question {n}") for n in range(5)]
    with SqlUnitOfWork(database) as work:
        work.audit.add(AuditEvent(things.NOW, ana.id, "user.add", "bo", {"role": "admin"}))
        work.commit()
    put_exchange(database, ana)
    assert worker.drain(5)
    found = reconciler.reconcile()
    assert (found.compared, found.missing, found.outdated, found.phantom) == (19, 0, 0, 0)

    lost, changed, extra = exchanges[0][1].id, exchanges[3][2].id, "f" * 32
    del memory.documents["message", lost]
    memory.documents["message", changed] = replace(memory.documents["message", changed], text="not what was said")
    memory.documents["message", extra] = Document("message", extra, 1, "boo")
    _, _, waiting = put_exchange(database, ana)
    found = reconciler.reconcile()
    assert (found.compared, found.missing, found.outdated, found.phantom) == (22, 1, 1, 1)
    assert worker.drain(5)
    assert agrees(database, memory)  # type: ignore[arg-type]
    assert memory.text(changed) == "A loan that can be sold."
    assert memory.text(waiting.id) == "A loan that can be sold."
    found = reconciler.reconcile()
    assert (found.missing, found.outdated, found.phantom) == (0, 0, 0)


def test_the_reconciler_reports_its_share_and_ends_where_the_report_says_so(database: Database, memory: MemoryIndex) -> None:
    put_exchange(database, put_user(database))
    shares: list[float] = []
    reconciler = Reconciler(database, memory)  # type: ignore[arg-type]
    reconciler.reconcile(shares.append)
    assert shares[0] == 0 and shares == sorted(shares) and shares[-1] < 1

    def stop(share: float) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        reconciler.reconcile(stop)


def test_several_workers_share_the_jobs(database: Database, memory: MemoryIndex) -> None:
    ana = put_user(database)
    for _ in range(40):
        put_exchange(database, ana)
    memory.put([SEEN_BEFORE])
    threads = [threading.Thread(target=worker_of(database, memory).drain, args=(20,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker_of(database, memory).pending() == 0
    assert {id for id in memory.ids("message") if id != SEEN_BEFORE.id} == stored_ids(database, "message")


def test_a_running_worker_is_woken_by_a_commit(database: Database, tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "search.db")
    worker = IndexWorker(database, index)
    worker.start()
    ana = put_user(database)
    put_exchange(database, ana)
    until = time.monotonic() + 60
    while not index.search(SearchQuery("loan", "message", ana.id)) and time.monotonic() < until:
        time.sleep(0.02)
    assert [hit.kind for hit in index.search(SearchQuery("loan", "message", ana.id))] == ["message"]
    worker.close()
    index.close()


def test_a_running_worker_waits_for_an_index_that_is_down(database: Database, memory: MemoryIndex) -> None:
    memory.down = True
    worker = worker_of(database, memory)
    worker.start()
    put_exchange(database, put_user(database))
    until = time.monotonic() + 60
    while worker.down_since is None and time.monotonic() < until:
        time.sleep(0.01)
    memory.down = False
    while (worker.down_since is not None or worker.pending()) and time.monotonic() < until:
        time.sleep(0.01)
    assert worker.pending() == 0
    assert worker.down_since is None
    worker.close()


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_elasticsearch_may_crash_or_lose_everything(database: Database, elasticsearch_node: ElasticsearchNode) -> None:
    index = ElasticsearchIndex(elasticsearch_node.url, prefix=f"test-{things.new_id()[:12]}")
    worker = IndexWorker(database, index)
    ana = put_user(database)
    put_exchange(database, ana)
    assert worker.drain(30)
    assert len(index.search(SearchQuery("loan", "message", ana.id))) == 1

    elasticsearch_node.kill()
    put_exchange(database, ana)  # chats continue
    with pytest.raises(Unavailable, match="is not responding"):
        index.search(SearchQuery("loan", "message", ana.id))
    assert not worker.drain(0.5)
    elasticsearch_node.start()
    assert worker.drain(60)
    assert agrees(database, index)
    assert len(index.search(SearchQuery("loan", "message", ana.id))) == 2

    for name in index.server.client.indices.get(index=f"{index.server.prefix}-*"):
        index.server.client.indices.delete(index=name)
    put_exchange(database, ana)
    assert worker.drain(60)
    assert agrees(database, index)
    index.close()
