"""Collections on both databases."""

from __future__ import annotations

from dataclasses import replace

from core.documents.records import Counts, DocumentState, Passage
from core.prompts.records import Share
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_user


def test_a_collection_comes_back_and_everything_goes_with_it(database: Database) -> None:
    ana = put_user(database, things.user(things.new_id(), group="risk"))
    with SqlUnitOfWork(database) as work:
        document = things.put_collection(work, ana, "合同 contract")
        work.commit()
    with SqlUnitOfWork(database) as work:
        collection = work.collections.get(document.collection_id)
        assert collection is not None and (collection.name, collection.version) == ("合同 contract", 2)
        assert work.collections.document(document.id) == document and list(work.collections.documents(collection.id)) == [document]
        assert work.collections.content(document.id).decode() == work.collections.text(document.id) == "合同 contract"
        assert [each.words for each in work.collections.words(collection.id)] == ["合同 contract".encode()]
        assert work.collections.counts([collection.id]) == {collection.id: Counts(documents=1, passages=1)}
        assert [each.text for each in work.collections.passages(document.id, [0, 1])] == ["合同 contract"]
        assert work.collections.count_of(ana.id) == 1
        assert [each.vectors.decode() for each in work.collections.vectors(collection.id, "bge v1")] == ["合同 contract"]
        assert not work.collections.without_vectors(collection.id, "bge v1")
        assert list(work.collections.without_vectors(collection.id, "bge v2")) == [document.id]
        work.collections.put_vectors(document, "bge v2", b"newer")
        assert not work.collections.vectors(collection.id, "bge v1") and work.collections.vectors(collection.id, "bge v2")
        work.collections.remove(collection.id)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.collections.document(document.id) is None and not work.collections.passages(document.id, [0])
        assert work.collections.content(document.id) == b"" and work.collections.get(collection.id) is None
        assert not work.collections.save_document(document), "it no longer exists"


def test_a_document_that_is_read_again_has_only_its_new_passages(database: Database) -> None:
    ana = put_user(database, things.user(things.new_id()))
    with SqlUnitOfWork(database) as work:
        document = things.put_collection(work, ana, "old")
        waits = replace(document, state=DocumentState.WAITING, error=None)
        assert work.collections.save_document(waits)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert not work.collections.words(document.collection_id), "it answers again once it is read"
        assert work.collections.counts([document.collection_id])[document.collection_id].waiting == 1
        new = [
            Passage(position=n, start=n, end=n + 1, page=1, first_line=1, last_line=1, heading="", text=f"new {n}") for n in range(700)
        ]  # fmt: skip
        work.collections.put_passages(waits, "new", new, b"words")
        assert work.collections.save_document(replace(waits, state=DocumentState.READY))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert [each.text for each in work.collections.passages(document.id, [0, 699])] == ["new 0", "new 699"]
        assert work.collections.text(document.id) == "new"
        assert list(work.collections.without_vectors(document.collection_id, "bge v1")) == [document.id], "those of the old text are gone"
        before = work.collections.get(document.collection_id)
        work.collections.remove_document(document)
        after = work.collections.get(document.collection_id)
        assert before is not None and after is not None and after.version == before.version + 1


def test_a_collection_is_visible_to_its_group_and_loses_it_with_the_group(database: Database) -> None:
    ana, bo = (put_user(database, things.user(things.new_id(), group=group)) for group in ("risk-c", "legal-c"))
    with SqlUnitOfWork(database) as work:
        document = things.put_collection(work, ana, "shared")
        collection = work.collections.lock(document.collection_id)
        assert collection is not None
        work.collections.save(replace(collection, share=Share.GROUP, group="legal-c"))
        assert [each.id for each in work.collections.visible(bo.id, bo.group)] == [collection.id]
        assert not work.collections.visible(bo.id, "") and not work.collections.visible(bo.id, "other")
        work.collections.rename_group("legal-c", "law-c")
        assert [each.group for each in work.collections.visible(bo.id, "law-c")] == ["law-c"]
        work.collections.withdraw_from("law-c")
        assert not work.collections.visible(bo.id, "law-c")
        own = work.collections.visible(ana.id, "")
        assert [(each.share, each.group) for each in own] == [(Share.OWN, "")]
