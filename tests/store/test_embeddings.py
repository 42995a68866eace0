"""Vectors of the embedding cache, on every database."""

from __future__ import annotations

from array import array
from datetime import timedelta

from core.inference.vectors import CachedVector
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things

LATER = things.NOW + timedelta(days=1)


def kept(number: int) -> CachedVector:
    return CachedVector(key=f"{number:064d}", vector=array("f", [number, 0.5]), tokens=number)


def test_vectors_are_found_touched_and_dropped_by_last_use(database: Database) -> None:
    with SqlUnitOfWork(database) as work:
        work.embeddings.add([kept(number) for number in range(700)], things.NOW)
        work.embeddings.add([CachedVector(key=kept(3).key, vector=array("f", [9.0]), tokens=9)], LATER)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.embeddings.size() == (700, 700 * (8 + 64))
        found = {each.key: each for each in work.embeddings.find({kept(number).key for number in range(650, 1300)})}
        assert len(found) == 50 and found[kept(650).key] == kept(650)
        assert work.embeddings.find({kept(3).key})[0].vector.tolist() == [3.0, 0.5], "what is there stays"
        keys = [kept(number).key for number in range(600)]
        assert work.embeddings.touch(keys, LATER, LATER) and not work.embeddings.touch(keys, LATER, LATER)
        assert work.embeddings.drop_oldest(72 * 99 + 1) == 100
        assert work.embeddings.size()[0] == 600 and not work.embeddings.find({kept(650).key})
        assert work.embeddings.remove_before(things.NOW) == 0
        assert work.embeddings.remove_before(None) == 600 and work.embeddings.size() == (0, 0)
        work.commit()
