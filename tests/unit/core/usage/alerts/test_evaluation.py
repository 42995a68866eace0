"""One rule, step by step: what it fires, what people are told, and what pauses and clocks do to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import InvalidInput
from core.usage.alerts.evaluation import step
from core.usage.alerts.measures import UNKNOWN, Reading
from core.usage.alerts.records import Ending, Episode, Event, Phase, RuleStatus, Shown, Silence, StoredRule
from core.usage.alerts.rule_records import AlertRule, Comparison, Measure, NoData, Severity

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ERRORS = AlertRule(name="Errors", measure=Measure.ERRORS, threshold=5, hold_s=300, least=20)
BAD, GOOD, FEW = Reading(38.5, 40), Reading(1.0, 40), Reading(100.0, 3)


class Played:
    """A rule that is checked every half minute."""

    def __init__(self, rule: AlertRule) -> None:
        self.rule = rule
        self.status = RuleStatus()
        self.now = NOON
        self.told: list[Event] = []
        self.ended: list[Episode] = []

    def check(self, reading: Reading, minutes: float = 0.5) -> None:
        """Check once per half minute, for so long."""
        for _ in range(max(1, round(minutes * 2))):
            self.now += timedelta(seconds=30)
            self.once(reading)

    def once(self, reading: Reading) -> None:
        taken = step("r1", self.rule, self.status, reading, self.now)
        self.status = taken.status
        self.told += [taken.told] if taken.told else []
        self.ended += [taken.ended] if taken.ended else []

    @property
    def fires(self) -> Episode:
        assert self.status.episode is not None
        return self.status.episode


def test_it_fires_once_it_has_held_and_says_when_it_recovers() -> None:
    played = Played(ERRORS)
    played.check(BAD, minutes=5)
    assert played.status.phase is Phase.PENDING and played.told == [], "five minutes are not over: the first check began them"
    played.check(BAD)
    assert played.status.phase is Phase.FIRING and played.told == [Event.FIRING]
    assert played.fires.started_at == played.now and played.fires.severity is Severity.NORMAL
    played.check(Reading(60.0, 40), minutes=3)
    played.check(BAD, minutes=3)
    assert played.fires.worst == 60.0 and played.told == [Event.FIRING], "nobody is told at every check"
    played.check(GOOD)
    [over] = played.ended
    assert played.told == [Event.FIRING, Event.RECOVERED] and over.ending is Ending.RECOVERED and over.ended_at == played.now
    assert played.status.phase is Phase.QUIET and played.status.episode is None


def test_flapping_faster_than_the_hold_time_never_fires() -> None:
    played = Played(ERRORS)
    for _ in range(20):
        played.check(BAD, minutes=4)
        played.check(GOOD, minutes=0.5)
    assert played.told == [] and played.status.phase is Phase.QUIET


def test_without_a_hold_time_the_first_check_fires() -> None:
    played = Played(replace(ERRORS, hold_s=0))
    played.check(BAD)
    assert played.told == [Event.FIRING]


def test_a_recovery_value_keeps_an_alert_that_hovers_at_its_threshold() -> None:
    played = Played(replace(ERRORS, hold_s=0, recovery=3))
    for value in (6.0, 4.0, 6.0, 3.5, 5.5):
        played.check(Reading(value, 40))
    assert played.told == [Event.FIRING]
    played.check(Reading(3.0, 40))
    assert played.told == [Event.FIRING, Event.RECOVERED]


def test_a_rule_under_a_value_fires_below_it() -> None:
    played = Played(AlertRule(name="Disk", measure=Measure.DISK, comparison=Comparison.UNDER, threshold=10, recovery=12))
    for free in (10.0, 9.9, 11.0, 4.0, 11.9):
        played.check(Reading(free))
    assert played.told == [Event.FIRING] and played.fires.worst == 4.0
    played.check(Reading(12.0))
    assert played.told[-1] is Event.RECOVERED


def test_fewer_events_than_it_asks_for_are_no_data() -> None:
    played = Played(replace(ERRORS, hold_s=0))
    played.check(FEW)
    assert played.told == [] and played.status.value is None and played.status.no_data_since == played.now
    played.check(GOOD)
    assert played.status.no_data_since is None


def test_no_data_can_mean_nothing_and_ends_what_fires() -> None:
    played = Played(replace(ERRORS, hold_s=0))
    played.check(BAD)
    played.check(UNKNOWN, minutes=2)
    assert played.told == [Event.FIRING, Event.NO_DATA] and played.ended[0].ending is Ending.NO_DATA
    assert played.status.no_data_since == NOON + timedelta(minutes=1)


def test_no_data_can_mean_that_it_fires() -> None:
    played = Played(replace(ERRORS, hold_s=60, no_data=NoData.FIRE))
    played.check(UNKNOWN, minutes=1.5)
    assert played.told == [Event.FIRING] and played.fires.worst is None
    played.check(GOOD)
    assert played.told == [Event.FIRING, Event.RECOVERED]


def test_no_data_can_keep_the_state() -> None:
    played = Played(replace(ERRORS, hold_s=300, no_data=NoData.KEEP, repeat_s=600))
    played.check(BAD, minutes=4)
    played.check(UNKNOWN, minutes=60)
    assert played.status.phase is Phase.PENDING and played.told == [], "what was not seen does not count as held"
    played.check(BAD, minutes=2)
    assert played.told == [Event.FIRING]
    played.check(UNKNOWN, minutes=9)
    assert played.told == [Event.FIRING]
    played.check(UNKNOWN, minutes=1)
    assert played.told == [Event.FIRING, Event.STILL_FIRING] and played.ended == []


def test_it_repeats_as_often_as_it_says_until_somebody_acknowledges() -> None:
    played = Played(replace(ERRORS, hold_s=0, repeat_s=3600))
    played.check(BAD, minutes=150)
    assert played.told == [Event.FIRING, Event.STILL_FIRING, Event.STILL_FIRING]
    acknowledged = replace(played.fires, acknowledged_at=played.now, acknowledged_by="mei")
    played.status = replace(played.status, episode=acknowledged)
    played.check(BAD, minutes=150)
    assert len(played.told) == 3
    played.check(GOOD)
    assert played.told[-1] is Event.RECOVERED, "who knows of it wants to know that it is over"


def test_it_never_repeats_if_it_says_so() -> None:
    played = Played(replace(ERRORS, hold_s=0, repeat_s=0))
    played.check(BAD, minutes=600)
    assert played.told == [Event.FIRING]


def test_a_silence_that_ends_while_it_fires_tells_then() -> None:
    played = Played(replace(ERRORS, hold_s=0))
    played.status = RuleStatus(silence=Silence(until=NOON + timedelta(minutes=10), reason="Maintenance", by="mei"))
    played.check(BAD, minutes=9.5)
    assert played.told == [] and played.fires.told_at is None and played.fires.started_at == NOON + timedelta(seconds=30)
    played.check(BAD)
    assert played.told == [Event.FIRING] and played.status.silence is None
    played.check(GOOD)
    assert played.told == [Event.FIRING, Event.RECOVERED]


def test_an_alert_that_came_and_went_in_a_silence_tells_nobody() -> None:
    played = Played(replace(ERRORS, hold_s=0))
    played.status = RuleStatus(silence=Silence(until=NOON + timedelta(minutes=10), reason="", by="mei"))
    played.check(BAD, minutes=3)
    played.check(GOOD, minutes=20)
    assert played.told == [] and len(played.ended) == 1, "but the history has it"


def test_a_silence_until_it_is_over_ends_with_the_alert() -> None:
    played = Played(replace(ERRORS, hold_s=0, repeat_s=300))
    played.check(BAD)
    played.status = replace(played.status, silence=Silence(until=None, reason="", by="mei"))
    played.check(BAD, minutes=60)
    played.check(GOOD)
    assert played.told == [Event.FIRING] and played.status.silence is None
    played.check(BAD)
    assert played.told == [Event.FIRING, Event.FIRING]


def test_time_in_which_the_portal_was_down_does_not_count_as_held() -> None:
    played = Played(ERRORS)
    played.check(BAD, minutes=2)
    played.now += timedelta(hours=3)
    played.once(BAD)
    assert played.status.phase is Phase.PENDING and played.told == []
    played.check(BAD, minutes=4)
    assert played.told == [Event.FIRING]


def test_an_alert_that_fires_goes_on_after_a_restart_without_being_told_anew() -> None:
    played = Played(replace(ERRORS, hold_s=0))
    played.check(BAD)
    began = played.fires
    played.now += timedelta(minutes=30)
    played.once(BAD)
    assert played.told == [Event.FIRING] and played.fires.id == began.id
    played.now += timedelta(minutes=30)
    played.once(GOOD)
    assert played.told == [Event.FIRING, Event.RECOVERED]


@pytest.mark.parametrize("jump", [timedelta(hours=-5), timedelta(days=-400)])
def test_a_clock_that_is_put_back_neither_fires_nor_repeats_nor_hides(jump: timedelta) -> None:
    played = Played(replace(ERRORS, repeat_s=3600))
    played.check(BAD, minutes=3)
    played.now += jump
    played.check(BAD, minutes=1)
    assert played.told == []
    played.check(BAD, minutes=2)
    assert played.told == [Event.FIRING]
    played.now += jump
    played.check(BAD, minutes=30)
    assert played.told == [Event.FIRING]
    played.check(BAD, minutes=31)
    assert played.told == [Event.FIRING, Event.STILL_FIRING], "an hour after the clock was put back, not a year"
    played.now += jump
    played.check(GOOD)
    [over] = played.ended
    assert over.ended_at is not None and over.ended_at >= over.started_at, "no alert ends before it began"


def test_what_people_see_as_the_state() -> None:
    stored = StoredRule(
        id="r1", rule=ERRORS, enabled=True, status=RuleStatus(), created_at=NOON, created_by="mei", updated_at=NOON, updated_by="mei"
    )
    silence = Silence(until=NOON, reason="", by="mei")
    assert stored.shown(NOON) is Shown.QUIET
    assert replace(stored, status=RuleStatus(phase=Phase.PENDING, no_data_since=NOON)).shown(NOON) is Shown.PENDING
    assert replace(stored, status=RuleStatus(no_data_since=NOON)).shown(NOON) is Shown.NO_DATA
    assert replace(stored, status=RuleStatus(silence=silence)).shown(NOON - timedelta(seconds=1)) is Shown.SILENCED
    assert replace(stored, status=RuleStatus(silence=silence)).shown(NOON) is Shown.QUIET
    assert replace(stored, enabled=False).shown(NOON) is Shown.OFF


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "name of one line"),
        ({"name": "two\nlines"}, "name of one line"),
        ({"threshold": float("nan")}, "threshold must be between"),
        ({"recovery": float("-inf")}, "recovery must be between"),
        ({"threshold": 10**400}, "must be between"),
        ({"recovery": 6}, "recover at 5 or below"),
        ({"comparison": Comparison.UNDER, "recovery": 4}, "recover at 5 or above"),
        ({"window_s": 10}, "window_s must be between"),
        ({"hold_s": -1}, "hold_s must be between"),
        ({"repeat_s": 10}, "repeat_s must be between"),
        ({"measure": Measure.DISK, "least": 0, "model": "glm"}, "cannot be limited to a model"),
        ({"measure": Measure.QUOTA, "least": 0, "model": "glm"}, "cannot be limited to a model"),
        ({"measure": Measure.MODELS_DOWN, "least": 0, "group": "Risk"}, "cannot be limited to a group"),
        ({"measure": Measure.PEOPLE}, "least number of answers"),
        ({"mails": ("nobody",)}, "nobody is not a mail address"),
        ({"mails": ("a@b.example\r\nBcc: c@d.example",)}, "is not a mail address"),
        ({"mails": tuple(f"p{n}@corp.example" for n in range(21))}, "at most 20"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_a_sentence(changes: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        replace(ERRORS, **changes)  # type: ignore[arg-type]
