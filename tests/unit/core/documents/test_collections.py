"""Who reads, changes and removes collections, and what reading a document leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.access.groups import Groups
from core.documents.records import DocumentState
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.operations.records import LegalHold
from core.people.permissions import Permission
from core.people.records import User
from core.prompts.records import Share
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock
from tests.unit.core.documents.conftest import Library


def names(library: Library, user: User) -> list[str]:
    return [each.collection.name for each in library.collections.list(user)]


def test_a_collection_is_read_by_its_owner_then_its_group_then_everyone(
    library: Library, ana: User, bob: User, eve: User, admin: User
) -> None:
    made = library.collections.add(ana, "Contracts")
    document = library.put(ana, made.id, "a.txt", "The notice period is thirty days.")
    for stranger in (bob, eve, admin):
        with pytest.raises(NotFound):
            library.collections.get(stranger, made.id)
        with pytest.raises(NotFound):
            library.documents.read(stranger, document.id)
        with pytest.raises(NotFound):
            library.finder.find(stranger, [made.id], "notice period")
    library.collections.share(ana, made.id, Share.GROUP)
    assert (names(library, bob), names(library, eve)) == (["Contracts"], [])
    with pytest.raises(NotAllowed):
        library.collections.share(ana, made.id, Share.EVERYONE)
    published = library.collections.add(admin, "Policies")
    library.collections.share(admin, published.id, Share.EVERYONE)
    assert names(library, eve) == ["Policies"] and names(library, ana) == ["Contracts", "Policies"]


def test_a_reader_finds_passages_but_changes_nothing(library: Library, ana: User, bob: User) -> None:
    made = library.collections.add(ana, "Contracts")
    document = library.put(ana, made.id, "a.txt", "The notice period is thirty days.")
    library.collections.share(ana, made.id, Share.GROUP)
    found = library.finder.find(bob, [made.id], "How long is the notice period?")
    assert [(each.document, each.text) for each in found.passages] == [("a.txt", "The notice period is thirty days.")]
    assert library.documents.read(bob, document.id)[1] == b"The notice period is thirty days."
    for forbidden in (
        lambda: library.collections.rename(bob, made.id, "Mine"), lambda: library.collections.share(bob, made.id, Share.OWN),
        lambda: library.collections.remove(bob, made.id), lambda: library.documents.add(bob, made.id, "b.txt", b"x"),
        lambda: library.documents.remove(bob, document.id), lambda: library.documents.read_again(bob, document.id),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            forbidden()


def test_who_leaves_the_group_loses_the_collection_at_the_next_question(library: Library, ana: User, bob: User) -> None:
    made = library.collections.add(ana, "Contracts")
    library.put(ana, made.id, "a.txt", "The notice period is thirty days.")
    library.collections.share(ana, made.id, Share.GROUP)
    assert library.finder.find(bob, [made.id], "notice period").passages
    with pytest.raises(NotFound):
        library.finder.find(replace(bob, group="Sales"), [made.id], "notice period")
    with pytest.raises(NotFound):
        library.finder.find(replace(bob, group=""), [made.id], "notice period")


def test_a_renamed_group_keeps_its_collections_and_a_removed_one_leaves_them_to_their_owner(
    library: Library, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, admin: User
) -> None:
    groups = Groups(unit_of_work, clock)
    group = groups.add(admin, "Treasury")
    owner = replace(ana, group="Treasury")
    made = library.collections.add(owner, "Rates")
    library.collections.share(owner, made.id, Share.GROUP)
    groups.change(admin, group.id, name="Money")
    assert library.collections.get(ana, made.id).collection.group == "Money"
    groups.remove(admin, group.id)
    assert library.collections.get(ana, made.id).collection.share is Share.OWN


def test_a_document_that_cannot_be_read_says_why_and_can_be_read_again(library: Library, ana: User) -> None:
    made = library.collections.add(ana, "Scans")
    failed = library.documents.add(ana, made.id, "scan.pdf", b"%PDF-1.7 nothing")
    library.read()
    failed = library.documents.get(ana, failed.id)
    assert failed.state is DocumentState.FAILED and str(failed.error) == "scan.pdf may be a scan."
    assert library.collections.get(ana, made.id).counts.failed == 1
    again = library.documents.read_again(ana, failed.id)
    assert again.state is DocumentState.WAITING and again.error is None
    with pytest.raises(Conflict):
        library.documents.read_again(ana, failed.id)
    library.read()
    assert library.documents.get(ana, failed.id).state is DocumentState.FAILED


def test_an_unchanged_document_is_not_read_again_and_a_changed_one_replaces_the_old(library: Library, ana: User) -> None:
    made = library.collections.add(ana, "Contracts")
    first = library.put(ana, made.id, "a.txt", "Thirty days.")
    assert library.documents.add(ana, made.id, "a.txt", b"Thirty days.").id == first.id
    second = library.put(ana, made.id, "a.txt", "Sixty days.")
    assert [each.id for each in library.documents.list(ana, made.id)] == [second.id]
    assert library.finder.find(ana, [made.id], "thirty").passages == ()
    assert [each.text for each in library.finder.find(ana, [made.id], "sixty").passages] == ["Sixty days."]


def test_what_is_removed_is_found_no_longer(library: Library, ana: User, unit_of_work: UnitOfWorkFactory) -> None:
    made = library.collections.add(ana, "Contracts")
    one, two = (library.put(ana, made.id, f"{n}.txt", f"Clause {n} names the penalty.") for n in ("one", "two"))
    assert len(library.finder.find(ana, [made.id], "penalty").passages) == 2
    library.documents.remove(ana, one.id)
    assert [each.document for each in library.finder.find(ana, [made.id], "penalty").passages] == ["two.txt"]
    library.collections.remove(ana, made.id)
    with unit_of_work() as work:
        assert work.collections.passages(two.id, [0]) == [] and work.collections.content(two.id) == b""
        assert work.collections.document(two.id) is None
    with pytest.raises(NotFound):
        library.finder.find(ana, [made.id], "penalty")


def test_what_is_under_a_legal_hold_stays(
    library: Library, ana: User, admin: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    made = library.collections.add(ana, "Contracts")
    document = library.put(ana, made.id, "a.txt", "Thirty days.")
    with unit_of_work() as work:
        work.retention.place_hold(LegalHold(ana.id, admin.name, "audit", clock()))
        work.commit()
    with pytest.raises(Conflict):
        library.documents.remove(ana, document.id)
    with pytest.raises(Conflict):
        library.collections.remove(ana, made.id)
    with pytest.raises(Conflict):
        library.documents.add(ana, made.id, "a.txt", b"Sixty days.")


@pytest.mark.parametrize(("name", "content"), [("", b"x"), ("a.txt", b""), ("a.txt", b"x" * 1_000_001)])
def test_a_document_needs_a_name_and_content_within_the_limit(library: Library, ana: User, name: str, content: bytes) -> None:
    made = library.collections.add(ana, "Contracts")
    with pytest.raises(InvalidInput):
        library.documents.add(ana, made.id, name, content)


def test_the_page_of_a_passage_marks_it(library: Library, ana: User) -> None:
    made = library.collections.add(ana, "Contracts")
    library.put(ana, made.id, "a.txt", "# Prices\n\nFixed until May.\n\n# Delivery\n\nEvery second week.")
    found = library.finder.find(ana, [made.id], "delivery every week").passages[0]
    page = library.documents.page(ana, found.document_id, found.start, found.end)
    assert page.text[page.start : page.end] == found.text and "Fixed until May." in page.text
    with pytest.raises(NotFound):
        library.documents.page(ana, found.document_id, 0, 10_000)


def test_questions_need_words_and_collections(library: Library, ana: User) -> None:
    made = library.collections.add(ana, "Contracts")
    for ids, question in (([], "notice"), ([made.id], " ?! "), (["0" * 32] * 1, "notice")):
        with pytest.raises((InvalidInput, NotFound)):
            library.finder.find(ana, ids, question)
    assert library.finder.find(ana, [made.id], "notice").passages == ()


def test_who_may_not_upload_makes_no_collection(library: Library, ana: User) -> None:
    withheld = replace(ana, withheld=frozenset({Permission.UPLOAD}))
    with pytest.raises(NotAllowed):
        library.collections.add(withheld, "Contracts")
