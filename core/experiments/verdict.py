"""Say the result of an experiment in sentences."""

from __future__ import annotations

from core.errors import StoredError
from core.experiments.records import MORE_IS_BETTER, SHARES, Experiment, Guard, Metric, State
from core.experiments.results import Compared, Results, excludes_zero


def verdict(experiment: Experiment, found: Results) -> tuple[StoredError, ...]:
    """Return the sentences; the first is the result."""
    if experiment.trip is not None:
        return (_tripped(experiment),)
    if not found.split_ok:
        return (
            StoredError("People are not split as planned: {a} have A, {b} have B.", {"a": found.people[0], "b": found.people[1]}),
            StoredError("Find out why before you trust a figure."),
        )
    main = found.main
    if main.low is None or main.high is None or main.difference is None:
        return (StoredError("Too few people so far."), StoredError("Figures need at least 10 people in each variant."))
    figures = {"difference": _figure(main, main.difference), "low": _figure(main, main.low), "high": _figure(main, main.high)}
    points = main.metric in SHARES
    if excludes_zero(main):
        better = (main.low > 0) == (main.metric in MORE_IS_BETTER)
        if not better:
            worse = "A is better: B has {difference} pts, between {low} and {high}." if points else (
                "A is better: B has {difference}, between {low} and {high}."
            )
            return (StoredError(worse, figures),)
        words = "B is better: {difference} pts, between {low} and {high}." if points else (
            "B is better: {difference}, between {low} and {high}."
        )
        return (StoredError(words, figures), *_limits(experiment, found))
    counted = min(found.counted)
    if counted < experiment.planned:
        left = StoredError("{n} of {of} are counted for each variant.", {"n": counted, "of": experiment.planned})
    else:
        left = StoredError("It is as large as planned, so a difference that matters is unlikely.")
    words = "No difference so far: {difference} pts, between {low} and {high}." if points else (
        "No difference so far: {difference}, between {low} and {high}."
    )
    return (StoredError(words, figures), left)


def _limits(experiment: Experiment, found: Results) -> tuple[StoredError, ...]:
    if experiment.state is not State.RUNNING or not found.guards:
        return ()
    return (StoredError("It stays within every limit."),)


def _tripped(experiment: Experiment) -> StoredError:
    trip = experiment.trip
    assert trip is not None
    if trip.guard is Guard.FIRST_TOKEN_P95:
        fields: dict[str, str | int | float] = {"value": f"{trip.value:.1f}", "limit": f"{trip.limit:.1f}", "people": trip.people}
        return StoredError("B passed a limit: first token p95 was {value} s, the limit is {limit} s. {people} people had B.", fields)
    fields = {"value": f"{trip.value * 100:.1f}", "limit": f"{trip.limit * 100:.1f}", "people": trip.people}
    if trip.guard is Guard.ERRORS:
        return StoredError("B passed a limit: {value} % of its answers failed, the limit is {limit} %. {people} people had B.", fields)
    return StoredError("B passed a limit: {value} % of its ratings were poor, the limit is {limit} %. {people} people had B.", fields)


def _figure(compared: Compared, value: float) -> str:
    sign = "+" if value > 0 else ""
    if compared.metric in SHARES:
        return f"{sign}{value * 100:.1f}"
    return f"{sign}{value:.2f} s" if compared.metric is Metric.FIRST_TOKEN else f"{sign}{value:.4f}"
