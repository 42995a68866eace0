"""The history of the machines, with fakes that measure and a real store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from core.errors import InvalidInput, NotAllowed, Unavailable
from core.operations.disk import DiskSpace
from core.people.accounts import Accounts
from core.people.records import Role
from core.unit_of_work import UnitOfWorkFactory
from core.usage.machines.history import MachineHistory
from core.usage.machines.measuring import Measuring
from core.usage.machines.ports import GpuReading, HostReading
from core.usage.machines.records import HOUR_S, MINUTE_S, Gauge, Spread, Subject
from core.usage.machines.sampler import Sampler
from samples.fakes import MODEL, FakePool
from tests.unit.core.conftest import MovingClock

DAY = timedelta(days=1)


@dataclass
class FakeHost:
    cpu: float | None = 0.5

    def read(self) -> HostReading:
        return HostReading(cpu=self.cpu, memory_used=6, memory_total=16, portal_memory=2)


@dataclass
class FakeGpus:
    gpus: list[GpuReading] = field(default_factory=list)
    closed: bool = False

    def read(self) -> Sequence[GpuReading]:
        return self.gpus

    def close(self) -> None:
        self.closed = True


@dataclass
class Server:
    unit_of_work: UnitOfWorkFactory
    clock: MovingClock
    name: str = "one:/home"
    host: FakeHost = field(default_factory=FakeHost)
    gpus: FakeGpus = field(default_factory=FakeGpus)
    pool: FakePool = field(default_factory=FakePool)

    def __post_init__(self) -> None:
        measuring = Measuring(self.host, self.gpus, DiskSpace(lambda: 40, 0), self.pool, lambda: 3)
        self.sampler = Sampler(self.unit_of_work, self.clock, self.name, measuring)

    def run(self, samples: int) -> None:
        for _ in range(samples):
            self.sampler.sample()
            self.clock.forward(seconds=10)


@pytest.fixture
def server(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Server:
    return Server(unit_of_work, clock)


def spans(server: Server, step_s: int) -> list[tuple[datetime, str, Subject, str, dict[Gauge, Spread]]]:
    with server.unit_of_work() as work:
        found = work.machines.spans(step_s, server.clock() - 400 * DAY, server.clock() + DAY)
    return [(each.at, each.server, each.subject, each.name, dict(each.gauges)) for each in found]


def test_readings_become_minutes_and_hours(server: Server) -> None:
    start = server.clock()
    for server.host.cpu in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9):
        server.run(1)
    server.sampler.close()
    machine = [(at, gauges[Gauge.CPU]) for at, _, subject, _, gauges in spans(server, MINUTE_S) if subject is Subject.MACHINE]
    assert [at for at, _ in machine] == [start, start + timedelta(minutes=1)]
    assert machine[0][1] == Spread(n=6, mean=pytest.approx(0.35), low=0.1, high=0.6) and machine[1][1] == Spread.of(0.9)
    [(at, _, _, _, hour)] = [each for each in spans(server, HOUR_S) if each[2] is Subject.MACHINE]
    assert at == start and hour[Gauge.CPU] == Spread(n=7, mean=pytest.approx(3.0 / 7), low=0.1, high=0.9)
    assert hour[Gauge.DISK_FREE].low == 40 and hour[Gauge.PEOPLE_WAITING].mean == 3
    assert server.gpus.closed


def test_what_is_not_measured_is_absent_and_never_zero(server: Server) -> None:
    server.host.cpu = None
    server.gpus.gpus = [GpuReading(name="0 GPU", memory_used=7)]
    server.run(1)
    server.sampler.close()
    found = {subject: gauges for _, _, subject, _, gauges in spans(server, MINUTE_S)}
    assert Gauge.CPU not in found[Subject.MACHINE]
    assert found[Subject.GPU] == {Gauge.GPU_MEMORY: Spread.of(7)}


def test_power_counts_as_that_of_answers_only_while_a_model_computes(server: Server) -> None:
    server.gpus.gpus = [GpuReading(name="0 GPU", watts=100.0)]
    server.pool.models = [replace(MODEL, slots=4, slots_busy=0)]
    server.run(2)
    server.gpus.gpus = [GpuReading(name="0 GPU", watts=400.0)]
    server.pool.models = [replace(MODEL, slots=4, slots_busy=2, waiting=1)]
    server.run(1)
    server.sampler.close()
    found = {subject: gauges for _, _, subject, _, gauges in spans(server, HOUR_S)}
    assert found[Subject.GPU][Gauge.POWER].mean == 200 and found[Subject.GPU][Gauge.BUSY_POWER] == Spread.of(400)
    assert found[Subject.MODEL][Gauge.SLOTS].high == 0.5 and found[Subject.MODEL][Gauge.WAITING].high == 1


def test_servers_are_told_apart_and_time_without_a_server_is_missing(server: Server, unit_of_work: UnitOfWorkFactory) -> None:
    other = Server(unit_of_work, server.clock, "two:/home", FakeHost(0.9))
    server.run(6)
    server.clock.forward(hours=2)
    server.run(6)
    other.run(6)
    server.sampler.close()
    other.sampler.close()
    machines = [each for each in spans(server, HOUR_S) if each[2] is Subject.MACHINE]
    hours = [(at.hour, name, gauges[Gauge.CPU].mean) for at, name, _, _, gauges in machines]
    assert hours == [(12, "one:/home", 0.5), (14, "one:/home", 0.5), (14, "two:/home", 0.9)]


def test_a_minute_that_a_restart_divides_is_added_up(server: Server, unit_of_work: UnitOfWorkFactory) -> None:
    server.run(2)
    server.sampler.close()
    again = Server(unit_of_work, server.clock, host=FakeHost(1.0))
    again.run(2)
    again.sampler.close()
    for step_s in (MINUTE_S, HOUR_S):
        [machine] = [gauges for *_, subject, _, gauges in spans(server, step_s) if subject is Subject.MACHINE]
        assert machine[Gauge.CPU] == Spread(n=4, mean=0.75, low=0.5, high=1.0)


def test_minutes_wait_while_the_database_is_away(server: Server, unit_of_work: UnitOfWorkFactory) -> None:
    away = [True]

    def sometimes() -> object:
        if away[0]:
            raise Unavailable("The database is away.")
        return unit_of_work()

    late = Server(sometimes, server.clock)  # type: ignore[arg-type]
    late.run(13)
    assert spans(server, MINUTE_S) == []
    away[0] = False
    late.sampler.close()
    machine = [gauges[Gauge.CPU].n for *_, subject, _, gauges in spans(server, MINUTE_S) if subject is Subject.MACHINE]
    assert machine == [6, 6, 1]
    [hour] = [gauges for *_, subject, _, gauges in spans(server, HOUR_S) if subject is Subject.MACHINE]
    assert hour[Gauge.CPU].n == 13


def test_a_reading_that_fails_does_not_end_the_thread(server: Server) -> None:
    measured = []

    class Failing(FakeHost):
        def read(self) -> HostReading:
            measured.append(1)
            if len(measured) == 1:
                raise OSError("gone")
            server_done.set()
            return super().read()

    server_done = threading.Event()
    measuring = Measuring(Failing(), server.gpus, DiskSpace(lambda: None, 0), server.pool, lambda: 0)
    sampler = Sampler(server.unit_of_work, server.clock, "one", measuring, every_s=0.001)
    sampler.start()
    assert server_done.wait(60)
    sampler.close()
    assert sampler.latest


def test_only_those_who_see_usage_read_the_history(server: Server, accounts: Accounts) -> None:
    server.run(7)
    server.sampler.close()
    boss = accounts.add(None, "boss", Role.MANAGER, password="correct horse")
    ana = accounts.add(None, "ana", Role.ANALYST, password="correct horse")
    history, now = MachineHistory(server.unit_of_work, server.clock), server.clock()
    assert list(history.servers(boss)) == ["one:/home"]
    found = history.spans(boss, MINUTE_S, now - DAY, now, Subject.MACHINE, "one:/home")
    assert len(found) == 2 and not history.spans(boss, MINUTE_S, now - DAY, now, server="two")
    with pytest.raises(NotAllowed):
        history.spans(ana, MINUTE_S, now - DAY, now)
    for step_s, since in ((61, now - DAY), (MINUTE_S, now), (MINUTE_S, now - 3 * DAY)):
        with pytest.raises(InvalidInput):
            history.spans(boss, step_s, since, now)
