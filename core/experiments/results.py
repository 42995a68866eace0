"""Compare the variants of an experiment by each metric, and check its guardrails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core.experiments.records import ALPHA, SHARES, Design, Experiment, Guard, Guardrail, Metric, PersonFigures, SideFigures, Trip
from core.experiments.sequential import MIN_PEOPLE, SPLIT_P, half_width, planned_size, ratio, split_p

Daily = Sequence[tuple[date, PersonFigures]]
"""What each person had of a variant on each day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One metric of both variants. low and high: the interval of the difference, which holds at every look; None with too few people."""

    metric: Metric
    a: float | None
    b: float | None
    low: float | None = None
    high: float | None = None

    @property
    def difference(self) -> float | None:
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """The deciding metric, with all answers up to the end of a day (UTC)."""

    day: date
    compared: Compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A guardrail with B's value and the number of answers or ratings behind it; None without any."""

    guardrail: Guardrail
    value: float | None
    count: int

    @property
    def passed(self) -> bool:
        return self.value is not None and self.count >= self.guardrail.min_count and self.value > self.guardrail.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What is known of an experiment now. Pairs are (A, B)."""

    metrics: tuple[Compared, ...]
    """The one that decides comes first."""
    guards: tuple[Guarded, ...]
    people: tuple[int, int]
    answers: tuple[int, int]
    counted: tuple[int, int]
    """Answers or ratings that the deciding metric is made of."""
    split_ok: bool
    """Whether people are split as planned. If not, something is wrong, and the result is not to be trusted."""

    @property
    def main(self) -> Compared:
        return self.metrics[0]


def _parts(metric: Metric, each: PersonFigures) -> tuple[float, float]:
    match metric:
        case Metric.SATISFACTION:
            return each.good, each.good + each.poor
        case Metric.ASKED_AGAIN:
            return each.asked_again, each.kept
        case Metric.ACCEPTED:
            return each.accepted, each.rated
        case Metric.FIRST_TOKEN:
            return each.first_token_s, each.timed
        case Metric.COST:
            return each.cost, each.priced


def planned(design: Design, alpha: float = ALPHA) -> int:
    """Return the answers or ratings of each variant that the design needs.

    Times and costs are taken to spread as widely as their mean is high.
    """
    if design.metric in SHARES:
        return planned_size(design.baseline * (1 - design.baseline), design.effect, alpha)
    return planned_size(1.0, design.effect, alpha)


def results(experiment: Experiment, a: SideFigures, b: SideFigures, whole_b: SideFigures | None = None) -> Results:
    """Compare the variants. whole_b: B from its start on, by which the guardrails are checked, if B was raised since."""
    design = experiment.design
    order = [design.metric, *(each for each in Metric if each is not design.metric)]
    counts = tuple(int(sum(_parts(design.metric, each)[1] for each in side.people)) for side in (a, b))
    people = len(a.people), len(b.people)
    return Results(
        metrics=tuple(_compared(metric, experiment, a.people, b.people) for metric in order),
        guards=tuple(_guarded(each, whole_b or b) for each in design.guardrails),
        people=people,
        answers=(sum(each.answers for each in a.people), sum(each.answers for each in b.people)),
        counted=(counts[0], counts[1]),
        split_ok=split_p(*people, design.to_b / 100) >= SPLIT_P,
    )


def growth(experiment: Experiment, a: Daily, b: Daily) -> tuple[Grown, ...]:
    """Return the deciding metric as it was known at the end of each day on which somebody asked."""
    days = sorted({day for day, _ in (*a, *b)})
    return tuple(
        Grown(day=day, compared=_compared(experiment.design.metric, experiment, _until(a, day), _until(b, day))) for day in days
    )


def _until(daily: Daily, last: date) -> list[PersonFigures]:
    """Add the figures of each person up to a day."""
    found: dict[str, PersonFigures] = {}
    for day, each in daily:
        if day <= last:
            found[each.user_id] = found[each.user_id].plus(each) if each.user_id in found else each
    return list(found.values())


def _compared(metric: Metric, experiment: Experiment, a: Sequence[PersonFigures], b: Sequence[PersonFigures]) -> Compared:
    design = experiment.design
    one, other = (ratio([_parts(metric, each) for each in side]) for side in (a, b))
    if one is None or other is None or min(one.people, other.people) < MIN_PEOPLE:
        return Compared(metric=metric, a=one.value if one else None, b=other.value if other else None)
    effect = design.effect if metric is design.metric else 0.05
    scale = effect if metric in SHARES else effect * abs(one.value)
    variance = one.variance + other.variance
    if not scale or not variance:
        return Compared(metric=metric, a=one.value, b=other.value)
    half = half_width(variance, scale, experiment.alpha)
    difference = other.value - one.value
    return Compared(metric=metric, a=one.value, b=other.value, low=difference - half, high=difference + half)


def _guarded(guardrail: Guardrail, b: SideFigures) -> Guarded:
    answers = sum(each.answers for each in b.people)
    good, poor = sum(each.good for each in b.people), sum(each.poor for each in b.people)
    match guardrail.guard:
        case Guard.ERRORS:
            return Guarded(guardrail=guardrail, value=sum(each.errors for each in b.people) / answers if answers else None, count=answers)
        case Guard.POOR:
            return Guarded(guardrail=guardrail, value=poor / (good + poor) if good + poor else None, count=good + poor)
        case Guard.FIRST_TOKEN_P95:
            return Guarded(guardrail=guardrail, value=b.first_token_p95, count=sum(each.timed for each in b.people))


def tripped(found: Results) -> Trip | None:
    """Return the first guardrail that B passed."""
    for each in found.guards:
        if each.passed and each.value is not None:
            return Trip(guard=each.guardrail.guard, value=each.value, limit=each.guardrail.limit, people=found.people[1])
    return None


def excludes_zero(compared: Compared) -> bool:
    """Tell whether the interval says that there is a difference."""
    return compared.low is not None and compared.high is not None and (compared.low > 0 or compared.high < 0)
