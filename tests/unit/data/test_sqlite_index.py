"""What is special about the embedded index; what it shares with Elasticsearch is tested in tests/functional/test_store_search.py."""

from __future__ import annotations

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.entities import SearchQuery
from core.errors import Unavailable
from data.search import sqlite_index
from data.search.port import Document
from data.search.sqlite_index import SqliteIndex


def filled(path: Path) -> SqliteIndex:
    index = SqliteIndex(path)
    index.prepare()
    index.put([Document("message", "m1", 1, "bond prices", "ana", "c1")])
    return index


def test_it_lasts_from_one_process_to_the_next(tmp_path: Path) -> None:
    filled(tmp_path / "search.db").close()
    again = SqliteIndex(tmp_path / "search.db")
    again.prepare()
    assert not again.is_empty()
    assert [hit.id for hit in again.search(SearchQuery("bond", "message", "ana"))] == ["m1"]


def test_a_damaged_file_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "search.db").write_bytes(b"this is no database" * 500)
    index = SqliteIndex(tmp_path / "search.db")
    index.prepare()
    assert index.is_empty()


def test_a_file_of_another_version_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path / "search.db").close()
    monkeypatch.setattr(sqlite_index, "SCHEMA_VERSION", sqlite_index.SCHEMA_VERSION + 1)
    index = SqliteIndex(tmp_path / "search.db")
    index.prepare()
    assert index.is_empty()


def test_a_folder_that_is_gone_makes_search_unavailable(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "nowhere" / "search.db")
    with pytest.raises(Unavailable):
        index.search(SearchQuery("bond", "message", "ana"))


def test_what_is_replaced_leaves_no_words_behind(tmp_path: Path) -> None:
    index = filled(tmp_path / "search.db")
    for version, text in enumerate(["机器学习 and more", None, "bond again", "", "last words"], start=2):
        index.put([Document("message", "m1", version, text, "ana", "c1")])
    index.put([Document("message", "m1", 99)])
    index.close()
    with sqlite3.connect(tmp_path / "search.db") as sql:
        sql.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, 'row')")
        assert sql.execute("SELECT term FROM vocabulary").fetchall() == []


def test_nothing_a_person_types_is_a_syntax_error(tmp_path: Path) -> None:
    index = filled(tmp_path / "search.db")
    dice = random.Random(7)
    words = ["bond", "机", "机器", "½", "é", "NEAR", "AND", "OR", "NOT", "body:", "\x00", "\ud800", " "]
    pieces = [*words, *"\"'*()^-+{}_%\\,;"]
    for _ in range(2000):
        index.search(SearchQuery("".join(dice.choices(pieces, k=dice.randint(1, 8))), "message", "ana"))


def test_many_threads_search_while_one_writes(tmp_path: Path) -> None:
    index = filled(tmp_path / "search.db")

    def search(_: int) -> bool:
        return all(index.search(SearchQuery("bond", "message", "ana")) for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(search, range(8))
        for version in range(2, 40):
            index.put([Document("message", "m1", version, f"bond number {version}", "ana", "c1")])
        assert all(answers)
