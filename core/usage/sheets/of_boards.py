"""Make a sheet of each board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from core.usage.boards.records import Adoption, Capacity, Day, Overview, Part, Quality, RatedWeek, Speed
from core.usage.boards.records import Money as Amounts
from core.usage.boards.service import days_of
from core.usage.figures import Share
from core.usage.money.records import CostPart, MoneyBoard
from core.usage.rollups.records import ActiveWeek, Measure, Sums
from core.usage.rollups.sketches import Sketch
from core.usage.sheets.records import Board, Cell, Column, Drawing, Sheet, SheetFigure, Table, Unit

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def overview_sheet(board: Overview) -> Sheet:
    now, before = (Share(each.rated_good, each.rated) for each in (board.now, board.before))
    figures = [
        SheetFigure(name="active_people", unit=Unit.COUNT, now=board.people.now, before=board.people.before),
        SheetFigure(name="new_people", unit=Unit.COUNT, now=board.new_people),
        SheetFigure(name="answers", unit=Unit.COUNT, now=board.now.answers, before=board.before.answers),
        SheetFigure(name="rated_good", unit=Unit.SHARE, now=now.value, before=before.value, more_is_better=True),
        SheetFigure(
            name="ttft_p95", unit=Unit.SECONDS, now=board.ttft_p95.now, before=board.ttft_p95.before, more_is_better=False
        ),
        *_costs(board.cost, board.cost_before),
    ]
    day_columns = _columns(day=Unit.DAY, answers=Unit.COUNT, people=Unit.COUNT, errors=Unit.COUNT, tokens=Unit.COUNT)
    days = [(each.day, *_counts(each, "answers"), each.people, *_counts(each, "errors", "tokens")) for each in board.days]
    tables = [
        Table(name="answers_per_day", columns=day_columns, rows=days, drawing=Drawing.BARS, drawn=("answers",)),
        _rated(board.rated_weeks),
        _people(board.weeks),
        _parts("groups", "group", board.groups),
        _parts("models", "model", board.models),
    ]
    return Sheet(board=Board.OVERVIEW, query=board.query, figures=figures, tables=tables)


def adoption_sheet(board: Adoption) -> Sheet:
    reach = board.people.now / board.members if board.members and board.people.now is not None else None
    asked = board.answers_a_person
    figures = [
        SheetFigure(name="active_people", unit=Unit.COUNT, now=board.people.now, before=board.people.before),
        SheetFigure(name="share_of_accounts", unit=Unit.SHARE, now=reach),
        SheetFigure(name="new_people", unit=Unit.COUNT, now=board.new_people),
        SheetFigure(name="answers_a_person", unit=Unit.NUMBER, now=asked.now, before=asked.before),
    ]
    group_columns = _columns(group=Unit.TEXT, accounts=Unit.COUNT, active=Unit.COUNT, answers=Unit.COUNT)
    tables = [
        Table(
            name="people_per_day", columns=_columns(day=Unit.DAY, people=Unit.COUNT), rows=[(each.day, each.people) for each in board.days],
            drawing=Drawing.BARS, drawn=("people",),
        ),
        _people(board.weeks),
        Table(
            name="groups", columns=group_columns, rows=[(each.name, each.members, each.active, each.answers) for each in board.groups],
            drawing=Drawing.ROWS, drawn=("active",),
        ),
    ]  # fmt: skip
    return Sheet(board=Board.ADOPTION, query=board.query, figures=figures, tables=tables)


def quality_sheet(board: Quality) -> Sheet:
    now, before = (Share(each.rated_good, each.rated) for each in (board.now, board.before))
    figures = [SheetFigure(name="rated_good", unit=Unit.SHARE, now=now.value, before=before.value, more_is_better=True)]
    figures += [
        SheetFigure(name=name, unit=Unit.SHARE, now=_of(board.now, name), before=_of(board.before, name), more_is_better=False)
        for name in ("errors", "regenerated", "stopped", "retries")
    ]
    troubles = ("errors", "regenerated", "stopped", "retries")
    tables = [
        _rated(board.rated_weeks),
        Table(
            name="troubles_per_day", columns=_columns(day=Unit.DAY, **dict.fromkeys(troubles, Unit.COUNT)),
            rows=[(each.day, *_counts(each, *troubles)) for each in board.days], drawing=Drawing.LINES, drawn=("errors", "stopped"),
        ),
        _qualities("models", "model", board.models),
        _qualities("groups", "group", board.groups),
    ]  # fmt: skip
    return Sheet(board=Board.QUALITY, query=board.query, figures=figures, tables=tables)


def speed_sheet(board: Speed) -> Sheet:
    figures, tables = [], []
    for measure in (Measure.TTFT, Measure.QUEUE, Measure.LATENCY):
        now, before = (each.get(measure, Sketch()).quantile(0.95) for each in (board.now, board.before))
        figures.append(SheetFigure(name=f"{measure}_p95", unit=Unit.SECONDS, now=now, before=before, more_is_better=False))
        tables.append(_quantiles_per_day(board, measure, Unit.SECONDS, ("p95", "p50")))
    now, before = (each.get(Measure.SPEED, Sketch()).quantile(0.5) for each in (board.now, board.before))
    figures.append(SheetFigure(name="speed_p50", unit=Unit.SPEED, now=now, before=before, more_is_better=True))
    tables.append(_quantiles_per_day(board, Measure.SPEED, Unit.SPEED, ("p50",)))
    timed = {f"{measure}_{name}": Unit.SECONDS for measure in (Measure.TTFT, Measure.QUEUE, Measure.LATENCY) for name in _SHARES}
    rows = [
        (
            name, own.get(Measure.LATENCY, Sketch()).n,
            *(own.get(measure, Sketch()).quantile(share) for measure in (Measure.TTFT, Measure.QUEUE, Measure.LATENCY)
              for share in _SHARES.values()),
            own.get(Measure.SPEED, Sketch()).quantile(0.5),
        )
        for name, own in sorted(board.models.items())
    ]  # fmt: skip
    tables.append(Table(name="models", columns=_columns(model=Unit.TEXT, answers=Unit.COUNT, **timed, speed_p50=Unit.SPEED), rows=rows))
    return Sheet(board=Board.SPEED, query=board.query, figures=figures, tables=tables)


def capacity_sheet(board: Capacity) -> Sheet:
    figures = [
        SheetFigure(name="busiest_hour", unit=Unit.SHARE, now=board.busy_now.now, before=board.busy_now.before, more_is_better=False),
        SheetFigure(name="queue_p95", unit=Unit.SECONDS, now=board.wait_p95.now, before=board.wait_p95.before, more_is_better=False),
        SheetFigure(
            name="prompt_reused", unit=Unit.SHARE, now=board.reused.value, before=board.reused_before.value, more_is_better=True
        ),
    ]
    hours = [(day + 1, hour, cell.busy, cell.wait_p95, cell.answers) for (day, hour), cell in sorted(board.heat.items())]
    hour_columns = _columns(weekday=Unit.COUNT, hour=Unit.COUNT, busy=Unit.SHARE, wait_p95=Unit.SECONDS, answers=Unit.COUNT)
    tables = [
        Table(name="hours", columns=hour_columns, rows=hours, drawing=Drawing.HEAT, drawn=("busy",)),
        Table(
            name="wait_per_week", columns=_columns(week=Unit.DAY, wait_p95=Unit.SECONDS), rows=list(board.weeks), drawing=Drawing.LINES,
            drawn=("wait_p95",),
        ),
    ]  # fmt: skip
    return Sheet(board=Board.CAPACITY, query=board.query, figures=figures, tables=tables)


def money_sheet(board: MoneyBoard) -> Sheet:
    figures = []
    for part in board.total:
        figures += [
            SheetFigure(name="cost", unit=Unit.AMOUNT, now=part.cost, before=part.before, currency=part.currency),
            SheetFigure(name="cost_of_answer", unit=Unit.AMOUNT, now=part.per_answer, currency=part.currency),
            SheetFigure(name="cost_of_accepted_answer", unit=Unit.AMOUNT, now=part.per_accepted, currency=part.currency),
        ]
    figures.append(SheetFigure(name="answers_without_cost", unit=Unit.COUNT, now=board.unpriced))
    days: list[tuple[date, str, float | None]] = [
        (day, currency, value)
        for currency, values in board.days.items()
        for day, value in zip(days_of(board.query), values, strict=True)
    ]  # fmt: skip
    budget_columns = _columns(
        group=Unit.TEXT, currency=Unit.TEXT, budget=Unit.AMOUNT, spent=Unit.AMOUNT, forecast=Unit.AMOUNT, passed_on=Unit.DAY
    )
    budgets = [
        (each.budget.group, each.budget.currency, each.budget.amount, each.spent, each.forecast, each.passed_on) for each in board.budgets
    ]
    day_columns = _columns(day=Unit.DAY, currency=Unit.TEXT, cost=Unit.AMOUNT)
    one = len(board.days) == 1
    tables = [
        Table(
            name="cost_per_day", columns=day_columns, rows=days, drawing=Drawing.BARS if one else Drawing.NONE,
            drawn=("cost",) if one else (),
        ),
        _cost_parts("groups", "group", board.groups),
        _cost_parts("models", "model", board.models),
        Table(name="budgets", columns=budget_columns, rows=budgets),
    ]  # fmt: skip
    return Sheet(board=Board.MONEY, query=board.query, figures=figures, tables=tables)


def _columns(**units: Unit) -> list[Column]:
    return [Column(name, unit) for name, unit in units.items()]


def _counts(day: Day, *names: str) -> list[int | None]:
    return [None if day.sums is None else getattr(day.sums, name) for name in names]


def _of(sums: Sums, name: str) -> float | None:
    return getattr(sums, name) / sums.answers if sums.answers else None


def _costs(now: Amounts, before: Amounts) -> list[SheetFigure]:
    return [
        SheetFigure(name="cost", unit=Unit.AMOUNT, now=now.get(currency, 0.0), before=before.get(currency), currency=currency)
        for currency in sorted({*now, *before})
    ]


def _rated(weeks: Sequence[RatedWeek]) -> Table:
    columns = _columns(week=Unit.DAY, rated=Unit.COUNT, good=Unit.COUNT, share=Unit.SHARE, low=Unit.SHARE, high=Unit.SHARE)
    rows = [
        (each.monday, each.rated.of, each.rated.good, each.rated.value, *(each.rated.interval() or (None, None))) for each in weeks
    ]
    return Table(name="rated_good", columns=columns, rows=rows, drawing=Drawing.LINES, drawn=("share",))


def _people(weeks: Sequence[ActiveWeek]) -> Table:
    columns = _columns(week=Unit.DAY, active=Unit.COUNT, new=Unit.COUNT, returning=Unit.COUNT)
    rows = [(each.monday, each.active, each.new, each.active - each.new) for each in weeks]
    return Table(name="active_people", columns=columns, rows=rows, drawing=Drawing.BARS, drawn=("returning", "new"))


def _parts(name: str, first: str, parts: Sequence[Part]) -> Table:
    columns = _columns(**{first: Unit.TEXT, "answers": Unit.COUNT, "before": Unit.COUNT, "tokens": Unit.COUNT})
    known = [each for each in parts if each.now.answers or each.before.answers]
    rows = [(each.name, each.now.answers, each.before.answers, each.now.tokens) for each in known]
    return Table(name=name, columns=columns, rows=rows, drawing=Drawing.ROWS, drawn=("answers",))


def _qualities(name: str, first: str, parts: Sequence[Part]) -> Table:
    troubles = ("errors", "regenerated", "stopped", "cut")
    columns = _columns(
        **{first: Unit.TEXT, "answers": Unit.COUNT, "rated": Unit.COUNT, "share": Unit.SHARE, "low": Unit.SHARE, "high": Unit.SHARE},
        **dict.fromkeys(troubles, Unit.SHARE),
    )
    rows: list[tuple[Cell, ...]] = []
    for each in parts:
        if each.now.answers:
            rated = Share(each.now.rated_good, each.now.rated)
            shares = [_of(each.now, trouble) for trouble in troubles]
            rows.append((each.name, each.now.answers, rated.of, rated.value, *(rated.interval() or (None, None)), *shares))
    return Table(name=name, columns=columns, rows=rows)


def _quantiles_per_day(board: Speed, measure: Measure, unit: Unit, drawn: Sequence[str]) -> Table:
    columns = _columns(day=Unit.DAY, **dict.fromkeys(_SHARES, unit))
    rows = [(day, *_quantiles(sketches, measure)) for day, sketches in board.days.items()]
    return Table(name=f"{measure}_per_day", columns=columns, rows=rows, drawing=Drawing.LINES, drawn=drawn)


def _quantiles(sketches: Mapping[Measure, Sketch], measure: Measure) -> list[float | None]:
    return [sketches.get(measure, Sketch()).quantile(share) for share in _SHARES.values()]


def _cost_parts(name: str, first: str, parts: Sequence[CostPart]) -> Table:
    columns = _columns(**{
        first: Unit.TEXT, "currency": Unit.TEXT, "cost": Unit.AMOUNT, "before": Unit.AMOUNT, "answers": Unit.COUNT, "tokens": Unit.COUNT,
        "per_answer": Unit.AMOUNT, "per_accepted": Unit.AMOUNT,
    })  # fmt: skip
    rows = [
        (each.name, each.currency, each.cost, each.before, each.answers, each.tokens, each.per_answer, each.per_accepted) for each in parts
    ]
    return Table(name=name, columns=columns, rows=rows)
