"""Behaviour of the embedded index alone; tests/store/test_search.py tests what it shares with Elasticsearch."""

from __future__ import annotations

import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import Unavailable
from core.search.records import SearchQuery
from data.search.port import Document
from data.search.sqlite import index as sqlite_index
from data.search.sqlite.index import SqliteIndex

BOND = SearchQuery("bond", "message", "ana")


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


def test_a_file_of_another_version_is_searched_until_the_new_one_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = filled(tmp_path / "search.db")
    old.complete()
    old.close()
    monkeypatch.setattr(sqlite_index, "SCHEMA_VERSION", sqlite_index.SCHEMA_VERSION + 1)
    index = SqliteIndex(tmp_path / "search.db")
    index.prepare()
    assert index.is_building()
    assert index.is_empty()
    assert [hit.id for hit in index.search(BOND)] == ["m1"]
    index.close()
    again = SqliteIndex(tmp_path / "search.db")  # a restart in the middle continues with both
    again.put([Document("message", "m2", 1, "bond", "ana", "c1")])
    assert [hit.id for hit in again.search(BOND)] == ["m1"]
    again.complete()
    assert [hit.id for hit in again.search(BOND)] == ["m2"]
    again.close()
    assert [path.name for path in tmp_path.iterdir()] == ["search-1.db"]


def test_the_first_release_s_file_is_searched_too(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "search.db") as sql:
        sql.executescript("""
            CREATE TABLE documents (
                number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
                owner TEXT NOT NULL, conversation TEXT NOT NULL, at TEXT, model TEXT NOT NULL, text TEXT, UNIQUE (kind, id)
            );
            CREATE VIRTUAL TABLE words USING fts5 (scope, body, content = '', tokenize = 'porter unicode61 remove_diacritics 2');
            INSERT INTO documents VALUES (1, 'message', 'm1', 1, 'ana', 'c1', '2026-11-02T09:30:00+00:00', '', 'bond');
            INSERT INTO words (rowid, scope, body) VALUES (1, 'kmessage omessagex616e61', 'bond');
            PRAGMA user_version = 1;
        """)
    sql.close()
    index = SqliteIndex(tmp_path / "search.db")
    assert [hit.id for hit in index.search(BOND)] == ["m1"]
    assert index.search(replace(BOND, folder_id="f1")) == index.search(replace(BOND, has_file=True)) == []
    assert index.is_building()
    index.close()


def test_a_search_never_fails_while_files_are_swapped(tmp_path: Path) -> None:
    index = filled(tmp_path / "search.db")
    index.complete()
    stop = threading.Event()

    def search() -> int:
        count = 0
        while not stop.is_set():
            assert [hit.id for hit in index.search(BOND)] == ["m1"]
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(search) for _ in range(4)]
        for _ in range(15):
            index.rebuild()
            index.put([Document("message", "m1", 1, "bond prices", "ana", "c1")])
            index.complete()
        stop.set()
        assert all(each.result() for each in searches)
    index.close()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_gone_makes_search_unavailable(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "nowhere" / "search.db")
    with pytest.raises(Unavailable):
        index.search(SearchQuery("bond", "message", "ana"))


def test_what_is_replaced_leaves_no_words_behind(tmp_path: Path) -> None:
    index = filled(tmp_path / "search.db")
    for version, text in enumerate(["机器学习 and more", None, "bond again", "", "last words"], start=2):
        folder_id = "" if version % 2 else f"folder{version}ed"
        index.put([Document("message", "m1", version, text, "ana", "c1", None, "glm", version % 3 - 1, folder_id, version < 4)])
    index.put([Document("message", "m1", 99)])
    index.close()
    with sqlite3.connect(tmp_path / "search.db") as sql:
        sql.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, 'row')")
        assert sql.execute("SELECT term FROM vocabulary").fetchall() == []
    sql.close()


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
