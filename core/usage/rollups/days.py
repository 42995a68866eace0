"""Add up the generation rows of a day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.inference.records import ANSWERLESS, FinishReason
from core.usage.rollups.records import AnsweredRow, Cell, CellKey, DayRollup, HourCell, Measure, PersonDay, Signature
from core.usage.rollups.sketches import Sketch, bucket_of

HOUR = timedelta(hours=1)


def bounds_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the start and the end of a day in this zone. A day with a change of clocks has 23 or 25 hours."""
    start, end = (datetime.combine(each, time.min, zone).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return start, end


def hour_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the start, in UTC, of the hour on the zone's clocks."""
    local = moment.astimezone(zone)
    return moment.astimezone(UTC) - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def is_answer(row: AnsweredRow) -> bool:
    """Tell whether the row is an answer to somebody, not a title, an embedding or the like."""
    return row.source not in ANSWERLESS


def rolled_up(day: date, zone: ZoneInfo, rows: Iterable[AnsweredRow], signature: Signature, now: datetime) -> DayRollup:
    """Return the rollup of the rows of a day."""
    cells: dict[CellKey, Cell] = {}
    measured: dict[CellKey, dict[Measure, Counter[int]]] = {}
    people: Counter[tuple[str, str, str]] = Counter()
    hours = _Hours(zone)
    for row in rows:
        key = CellKey(model=row.model, platform=row.platform, group=row.group, source=row.source, currency=row.currency)
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = Cell()
            measured[key] = defaultdict(Counter)
        _add(cell, row)
        hours.add(row)
        if is_answer(row):
            people[row.user_id, row.group, row.model] += 1
            if row.finish_reason is not FinishReason.ERROR:
                for measure, value in _measures(row):
                    measured[key][measure][bucket_of(value)] += 1
    for key, counts in measured.items():
        cells[key].sketches = {measure: Sketch(each) for measure, each in counts.items()}
    return DayRollup(
        day=day,
        zone=zone.key,
        signature=signature,
        computed_at=now,
        cells=cells,
        people=[PersonDay(user_id=who, group=group, model=model, answers=n) for (who, group, model), n in people.items()],
        hours=list(hours.cells()),
    )


def _add(cell: Cell, row: AnsweredRow) -> None:
    sums = cell.sums
    sums.rows += 1
    sums.prompt_tokens += row.prompt_tokens
    sums.completion_tokens += row.completion_tokens
    sums.cached_tokens += row.cached_tokens
    sums.device_s += row.device_s or 0.0
    if row.cost is not None:
        sums.priced += 1
        sums.cost += row.cost
    if not is_answer(row):
        return
    sums.answers += 1
    sums.errors += row.finish_reason is FinishReason.ERROR
    sums.stopped += row.finish_reason is FinishReason.CANCELLED
    sums.cut += row.finish_reason is FinishReason.LENGTH
    sums.retries += row.retries or 0
    sums.regenerated += row.regenerated
    if row.rating is not None:
        sums.rated += 1
        sums.rated_good += row.rating == 1


def _measures(row: AnsweredRow) -> Iterator[tuple[Measure, float]]:
    yield Measure.LATENCY, row.duration_s
    yield Measure.QUEUE, row.queue_s
    if row.ttft_s is not None:
        yield Measure.TTFT, row.ttft_s
    if row.tokens_per_second is not None:
        yield Measure.SPEED, row.tokens_per_second


class _Hours:
    """Counts answers and waits by the hour of the question, and spreads computing over the hours in which it happened."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._answers: Counter[tuple[datetime, str, str]] = Counter()
        self._queue: dict[tuple[datetime, str, str], Counter[int]] = defaultdict(Counter)
        self._busy: dict[tuple[datetime, str, str], float] = {}

    def add(self, row: AnsweredRow) -> None:
        began = row.created_at.astimezone(UTC)
        key = hour_of(began, self._zone), row.model, row.platform
        if is_answer(row):
            self._answers[key] += 1
            if row.finish_reason is not FinishReason.ERROR:
                self._queue[key][bucket_of(row.queue_s)] += 1
        if row.device_s is not None:
            for hour, part in self._spread(began + timedelta(seconds=row.queue_s), began + timedelta(seconds=row.duration_s)):
                at = hour, row.model, row.platform
                self._busy[at] = self._busy.get(at, 0.0) + row.device_s * part

    def cells(self) -> Iterator[HourCell]:
        keys: Mapping[tuple[datetime, str, str], None] = dict.fromkeys([*self._answers, *self._busy])
        for key in keys:
            hour, model, platform = key
            yield HourCell(
                hour=hour, model=model, platform=platform, answers=self._answers[key], busy_s=self._busy.get(key),
                queue=Sketch(self._queue.get(key, {})).packed(),
            )  # fmt: skip

    def _spread(self, began: datetime, ended: datetime) -> Iterator[tuple[datetime, float]]:
        """Yield the hours between two times, and the share of the time that lies in each."""
        hour, whole = hour_of(began, self._zone), (ended - began).total_seconds()
        if whole <= 0 or ended <= hour + HOUR:
            yield hour, 1.0
            return
        while hour < ended:
            inside = min(ended, hour + HOUR) - max(began, hour)
            yield hour, inside.total_seconds() / whole
            hour += HOUR
