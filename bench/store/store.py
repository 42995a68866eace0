"""Measure store and search: the cost of a kill or an outage, and how fast a million messages are indexed, found, saved and restored.

`./portal bench store [--messages N] [--kills N] [--outage SECONDS] [--only PART ...] [--out FILE]`

It is small by default. The full measure is --messages 1000000 --kills 300 --out FILE: it needs an idle machine, 8 GB of disk and about two
hours, of which the kills take half. With --out each part is saved as it ends, in FILE and in a .json beside it, so that --only PART
continues where another run stopped. Each part creates what it needs and removes it. PostgreSQL and Elasticsearch are measured if the tests
can start them (samples/servers).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.portal_parts.portal import ROOT, percentile, table
from bench.store_parts import kills as _kills
from bench.store_parts import sizes as _sizes
from bench.store_parts.deliveries import deliver
from bench.store_parts.outage import stop_under_load
from data.database import Database, open_database
from data.migrate import migrate
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.port import WritableIndex
from data.search.postgresql.index import PostgresIndex
from data.search.sqlite.index import SqliteIndex
from models import machine
from samples.servers.elasticsearch_node import ElasticsearchNode
from samples.servers.postgresql import PostgresServer

HEAD = ("what", "portal", "beside it", "its figure", "ratio", "wanted")
Row = list[str]
COMPANY = ("fsync=on", "shared_buffers=512MB")
"""PostgreSQL with a company's settings; the tests' own server trades safety for speed."""
HEAP = "1g"
"""Elasticsearch's heap; half of what it takes by default on a machine of 4 GB."""


@dataclass(frozen=True)
class Bench:
    """The parameters of a part. Servers and files that it asks for are removed when the part ends."""

    messages: int
    kills: int
    outage: float
    grace: float
    folder: Path
    stack: ExitStack

    def postgres(self) -> PostgresServer:
        server = PostgresServer()
        self.stack.callback(server.close)
        server.start(*COMPANY)
        return server

    def elasticsearch(self) -> ElasticsearchNode:
        node = ElasticsearchNode(HEAP)
        self.stack.callback(node.close)
        node.start()
        return node

    def database(self, url: str) -> Database:
        database = open_database(url)
        self.stack.callback(database.close)
        migrate(database)
        return database

    def home(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir()
        return path


def kills(bench: Bench, store: str, count: int) -> Iterator[Row]:
    """Run half of the kills with the embedded index, half with Elasticsearch."""
    if count == 0:
        return
    counts = []
    for index in ("embedded index", "Elasticsearch"):
        print(f"{store}, {index}", flush=True)
        extra = {"PORTAL_DATABASE_URL": bench.postgres().new_database()} if store == "PostgreSQL" else {}
        if index == "Elasticsearch":
            extra["PORTAL_ELASTICSEARCH_URL"] = bench.elasticsearch().url
        found = _kills.kill_at_random(bench.home(index), max(1, count // 2), random.Random(), **extra)
        title = f"{store}, {index}: {found.kills} kills -9, {found.cut} of them while answering, {found.acknowledged:,} things acknowledged"
        yield [f"{title}; lost", f"{found.lost}", "", "", "", "0"]
        yield [f"{store}, {index}; missing documents, phantoms", f"{found.missing}, {found.phantom}", "", "", "", "0, 0"]
        yield [f"{store}, {index}; running for more than 30 s after a restart", f"{found.stale}", "", "", "", "0"]
        counts.append(found)
    errors = sum(each.failures for each in counts)
    yield [f"{store}: errors that people saw before the kills", f"{errors}", "", "", "", "0"]
    yield [f"{store}: restart p95, s", f"{percentile([s for each in counts for s in each.ready_s], 0.95):.1f}", "", "", "", ""]


def deliveries(bench: Bench) -> Iterator[Row]:
    indexes: dict[str, WritableIndex] = {
        "SQLite FTS5": SqliteIndex(bench.folder / "search.db"),
        "PostgreSQL full text": PostgresIndex(bench.database(bench.postgres().new_database())),
        "Elasticsearch": ElasticsearchIndex(bench.elasticsearch().url),
    }
    for title, (wrong, back) in deliver(indexes, bench.grace).items():
        indexes[title].close()
        yield [f"{title}: 1,000 jobs shuffled and twice; not at the highest version", f"{wrong}", "", "", "", "0"]
        yield [f"{title}: deleted, and back after {bench.grace:.0f} s", f"{back}", "", "", "", "0"]


def outage(bench: Bench) -> Iterator[Row]:
    found = stop_under_load(bench.home("outage"), bench.elasticsearch(), bench.outage)
    title = f"Elasticsearch away for {bench.outage:.0f} s under load, {found.turns:,} turns"
    yield [f"{title}; failed", f"{found.failed}", "", "", "", "0"]
    yield ["searches that said so meanwhile", f"{found.refused} of {found.searches}", "", "", "", "all"]
    yield ["found again after its return, s", f"{found.lag_s:.1f}", "", "", "", "<= 60"]
    yield ["missing documents, phantoms", f"{found.missing}, {found.phantom}", "", "", "", "0, 0"]


def on_sqlite(bench: Bench) -> Iterator[Row]:
    database = bench.database(f"sqlite:///{bench.folder / 'portal.db'}")
    yield from _sizes.searched("SQLite FTS5", 150, database, SqliteIndex(bench.folder / "search.db"), bench.messages)
    yield from _sizes.read("SQLite", database)


def on_postgresql(bench: Bench) -> Iterator[Row]:
    database = bench.database(bench.postgres().new_database())
    yield from _sizes.searched("PostgreSQL full text", 100, database, PostgresIndex(database), bench.messages)
    yield from _sizes.read("PostgreSQL", database)


def on_elasticsearch(bench: Bench) -> Iterator[Row]:
    database = bench.database(f"sqlite:///{bench.folder / 'portal.db'}")
    yield from _sizes.searched("Elasticsearch", 100, database, ElasticsearchIndex(bench.elasticsearch().url), bench.messages)


def backup_sqlite(bench: Bench) -> Iterator[Row]:
    database = bench.database(f"sqlite:///{bench.folder / 'portal.db'}")
    target = open_database(f"sqlite:///{bench.folder / 'restored.db'}")
    yield from _sizes.saved("SQLite", database, target, bench.folder, bench.messages)


def backup_postgresql(bench: Bench) -> Iterator[Row]:
    server = bench.postgres()
    target = open_database(server.new_database())
    bench.stack.callback(target.close)
    yield from _sizes.saved("PostgreSQL", bench.database(server.new_database()), target, bench.folder, bench.messages)


PARTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "deliveries": deliveries,
    "sqlite": on_sqlite,
    "postgresql": on_postgresql,
    "elasticsearch": on_elasticsearch,
    "backup-sqlite": backup_sqlite,
    "backup-postgresql": backup_postgresql,
    "outage": outage,
    "kills-sqlite": lambda bench: kills(bench, "SQLite", bench.kills),
    "kills-postgresql": lambda bench: kills(bench, "PostgreSQL", -(-bench.kills // 3)),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench store")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=6, help="on SQLite; a third as many on PostgreSQL")
    parser.add_argument("--outage", type=float, metavar="SECONDS", help="how long Elasticsearch is away; default: 600, a small run 30")
    parser.add_argument("--grace", type=float, metavar="SECONDS", default=120, help="between a deletion and late jobs for it")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some of the parts")
    parser.add_argument("--out", type=Path, help="where the table goes; parts that are there already are kept")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # remove servers and files then, too
    away = chosen.outage or (600 if chosen.messages >= 1_000_000 else 30)
    notes = chosen.out and chosen.out.with_suffix(".json")
    done: dict[str, dict[str, object]] = json.loads(notes.read_text("utf-8")) if notes and notes.exists() else {}
    for name in chosen.only or PARTS:
        begun, load = time.perf_counter(), os.getloadavg()[1]
        print(f"\n{name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, ExitStack() as stack:
            bench = Bench(messages=chosen.messages, kills=chosen.kills, outage=away, grace=chosen.grace, folder=Path(folder), stack=stack)
            rows: list[Row] = []
            try:
                for row in PARTS[name](bench):
                    print("  " + "  ".join(row), flush=True)
                    rows.append(row)
            except pytest.skip.Exception as reason:
                rows.append([f"{name}: not measured: {reason}", "", "", "", "", ""])
                print(f"  {reason}")
        took = f"{name} {time.perf_counter() - begun:.0f} s (load {load:.1f})"
        done[name] = {"rows": rows, "took": took, "commit": _commit()}
        if notes:
            notes.parent.mkdir(parents=True, exist_ok=True)
            notes.write_text(json.dumps(done, ensure_ascii=False, indent=1), "utf-8")
            write(chosen.out, done)
    rows = [row for name in PARTS if name in done for row in done[name]["rows"]]  # type: ignore[attr-defined]
    table("Store and search on this machine", HEAD, rows)


def write(path: Path, done: dict[str, dict[str, object]]) -> None:
    """Write all measured parts, each with its duration and the load of the machine in the minutes before."""
    found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    parts = [done[name] for name in PARTS if name in done]
    rows: list[Sequence[str]] = [row for part in parts for row in part["rows"]]  # type: ignore[attr-defined]
    lines = [
        "# Store and search", "",
        f"- command: `./portal bench store {' '.join(sys.argv[1:])}`", f"- date: {datetime.now(UTC):%Y-%m-%d}",
        f"- device: {machine.cores()} cores of {found[1] if found else platform.machine()}",
        f"- parts: {', '.join(str(part['took']) for part in parts)}",
        f"- commit: {', '.join(sorted({str(part['commit']) for part in parts}))}",
        "- each person has 20,000 messages, English and Chinese; searches are of rare words, two common words, and Chinese words;"
        " 200 others go before; one chat in 50 lies in a folder, one question in 50 has a file", "",
        f"| {' | '.join(HEAD)} |", "|:--|--:|:--|--:|--:|--:|", *(f"| {' | '.join(row)} |" for row in rows), "",
    ]  # fmt: skip
    path.write_text("\n".join(lines), "utf-8")


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + (" with local changes" if git("status", "--porcelain", "--untracked-files=no") else "")


if __name__ == "__main__":
    main()
