"""Measure how long each board takes over a year of answers.

`./portal bench boards [--rows N] [--rounds N]`

It is small by default; the measure of decision 039 is --rows 1000000, which takes some minutes. The answers are made up and lie in a SQLite
file of their own, with a year of the history of one server with a GPU. Each board is computed over the whole year.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from bench.portal_parts.portal import percentile, table
from core.inference.records import FinishReason, Source
from core.people.records import Role, User
from core.usage.boards.service import Boards
from core.usage.machines.records import HOUR_S, Gauge, Subject
from core.usage.money.service import Money
from core.usage.records import UsageQuery
from core.usage.rollups.service import Rollups
from data.database import Database, open_database
from data.migrate import migrate
from data.tables import GenerationTable, MachineSpanTable
from data.unit_of_work import SqlUnitOfWork
from settings import Settings

DAYS, PEOPLE, AT_ONCE = 365, 400, 20_000
MODELS = (("glm-4.5-air", "local"), ("glm-4-9b", "local"), ("glm-4.6", "gateway"))
GROUPS = ("Risk", "Legal", "Sales", "Operations", "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="./portal bench boards", description="Time each board over a year.")
    parser.add_argument("--rows", type=int, default=20_000, help="answers of the year")
    parser.add_argument("--rounds", type=int, default=20, help="times that each board is computed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="portal-boards-") as folder:
        database = open_database(Settings(home=Path(folder)).database)
        try:
            migrate(database)
            measure(database, asked.rows, asked.rounds)
        finally:
            database.close()


def measure(database: Database, rows: int, rounds: int) -> None:
    """Fill the database, add up its days, and print the table of times."""
    now = datetime.now(UTC)
    fill(database, rows, now)

    def unit_of_work() -> SqlUnitOfWork:
        return SqlUnitOfWork(database)

    rollups = Rollups(unit_of_work, lambda: now)
    began = time.monotonic(), time.process_time()
    rollups.run()
    lines = [["first rollup", f"{time.monotonic() - began[0]:.1f} s", "", f"{time.process_time() - began[1]:.1f} s"]]
    boards, money = Boards(unit_of_work, rollups, lambda: now, 10.0), Money(unit_of_work, rollups, lambda: now)
    boss = User(id="boss", name="boss", full_name="Boss", role=Role.MANAGER, group="", active=True, created_at=now)
    query = UsageQuery(now.date() - timedelta(days=DAYS - 1), now.date())
    asks = {"overview": boards.overview, "adoption": boards.adoption, "quality": boards.quality, "speed": boards.speed,
            "capacity": boards.capacity, "money": money.board}  # fmt: skip
    for name, ask in asks.items():
        lines.append([name, *_times(ask, boss, query, rounds)])
    table(f"Boards over a year with {rows:,} answers, {rounds} times each", ["what", "p50", "p95", "processor time, p50"], lines)


def fill(database: Database, rows: int, now: datetime) -> None:
    """Write answers of a year, most of them in the hours of work, and the hours of one server."""
    rng = random.Random(7)
    with database.engine.begin() as connection:
        for start in range(0, rows, AT_ONCE):
            connection.execute(insert(GenerationTable), [_row(rng, number, now) for number in range(start, min(rows, start + AT_ONCE))])
        newest = now.replace(minute=0, second=0, microsecond=0)
        connection.execute(insert(MachineSpanTable), [
            {
                "server": "one", "subject": subject.value, "name": name, "step_s": HOUR_S, "at": newest - timedelta(hours=hour),
                "gauges": {gauge.value: [360, rng.random(), 0.0, 1.0] for gauge in (Gauge.GPU, Gauge.POWER, Gauge.BUSY_POWER, Gauge.SLOTS)},
            }
            for hour in range(DAYS * 24)
            for subject, name in ((Subject.MACHINE, ""), (Subject.GPU, "0 GPU"), (Subject.MODEL, MODELS[0][0]))
        ])  # fmt: skip


def _row(rng: random.Random, number: int, now: datetime) -> dict[str, object]:
    model, platform = rng.choice(MODELS)
    person = rng.randrange(PEOPLE)
    at = now - timedelta(days=rng.randrange(DAYS), seconds=rng.triangular(0, 86_400, 36_000))
    seconds = rng.lognormvariate(1.5, 0.8)
    return {
        "id": f"{number:032x}", "user_id": f"person-{person}", "group_name": GROUPS[person % len(GROUPS)], "created_at": at, "model": model,
        "model_version": "1", "platform": platform, "prompt_tokens": rng.randrange(50, 4000), "completion_tokens": rng.randrange(20, 900),
        "cached_tokens": 40, "queue_s": rng.expovariate(2.0), "ttft_s": rng.lognormvariate(-0.5, 0.6), "duration_s": seconds,
        "tokens_per_second": rng.uniform(20, 90), "finish_reason": rng.choice((FinishReason.STOP, FinishReason.STOP, FinishReason.LENGTH)),
        "source": rng.choice((Source.CHAT, Source.API)), "device_s": seconds * 0.4 if platform == "local" else None,
        "cost": 0.002 if platform == "gateway" else None, "currency": "EUR" if platform == "gateway" else None,
    }  # fmt: skip


def _times(ask: Callable[[User, UsageQuery], object], user: User, query: UsageQuery, rounds: int) -> list[str]:
    walls, computed = [], []
    for _ in range(rounds):
        began = time.monotonic(), time.process_time()
        ask(user, query)
        walls.append(time.monotonic() - began[0])
        computed.append(time.process_time() - began[1])
    return [f"{percentile(walls, 0.5):.2f} s", f"{percentile(walls, 0.95):.2f} s", f"{percentile(computed, 0.5):.2f} s"]


if __name__ == "__main__":
    main()
