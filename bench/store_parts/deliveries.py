"""Deliver index jobs in any order and more than once; count documents that end at a version below the highest, or that come back."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence

from data.search.port import Document, WritableIndex

JOBS = 1000
DOCUMENTS = 50


def deliver(indexes: Mapping[str, WritableIndex], wait_s: float) -> dict[str, tuple[int, int]]:
    """Deliver 1,000 jobs for 50 documents, shuffled and twice; `wait_s` later, announce deleted documents again at their old versions.

    Returns for each index how many documents are wrong, and how many deleted ones are there again. Elasticsearch forgets the version of a
    deleted document after 60 s: hence the wait.
    """
    name = f"s{time.time_ns()}"
    jobs = [
        Document(
            kind="message",
            id=f"{name}-{n % DOCUMENTS}",
            version=n,
            text=None if n % 7 == 0 else f"{name} v{n}",
            owner_id=name,
            conversation_id="c",
        )
        for n in range(1, JOBS + 1)
    ]
    last = {job.id: job for job in jobs}
    shuffled = jobs * 2
    random.Random(3).shuffle(shuffled)
    for index in indexes.values():
        index.prepare()
        _deliver(index, shuffled)
    time.sleep(wait_s)
    found = {}
    for title, index in indexes.items():
        _deliver(index, [job for job in jobs if last[job.id].text is None and job.text is not None])
        prints = index.fingerprints("message", f"{name}-", f"{name}-~")
        wrong = sum(prints.get(id) != document.fingerprint for id, document in last.items() if document.text is not None)
        found[title] = wrong, sum(id in prints for id, document in last.items() if document.text is None)
    return found


def _deliver(index: WritableIndex, jobs: Sequence[Document]) -> None:
    for job in jobs:
        index.put([job])
    index.refresh()
