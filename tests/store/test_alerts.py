"""Alerts as the store keeps them, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.inference.records import FinishReason
from core.usage.alerts.records import Channel, DeliveryState, Ending, Phase, Sample
from core.usage.alerts.rule_records import AlertRule, Measure, Severity
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import NOW, later, put_user


def test_a_rule_is_read_back_with_all_that_happened_to_it(database: Database) -> None:
    ana = put_user(database, things.user(things.new_id()))
    with SqlUnitOfWork(database) as work:
        made = things.put_alert(work, ana, "Errors")
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.alerts.rules() == [made] == [work.alerts.rule_for_change(made.id)]
        assert work.alerts.firing() == {Severity.HIGH: 1, Severity.NORMAL: 0, Severity.LOW: 0}
        assert work.alerts.counts_since(NOW) == {made.id: 1} and work.alerts.counts_since(later(seconds=1)) == {}
        [episode] = work.alerts.episodes(5)
        assert episode == made.status.episode and work.alerts.episodes(5, before=NOW) == []
        [sent] = work.alerts.deliveries([episode.id])
        assert (sent.channel, sent.state, sent.target) == (Channel.MAIL, DeliveryState.WAITING, "Errors")
        work.alerts.save_delivery(replace(sent, state=DeliveryState.SENT, tries=2, ended_at=NOW))
        ended = replace(episode, ended_at=later(minutes=5), ending=Ending.RECOVERED)
        work.alerts.end_episode(ended)
        work.alerts.save_status(made.id, replace(made.status, phase=Phase.QUIET, silence=None, episode=None))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.alerts.episodes(5, rule_id=made.id) == [ended] and work.alerts.firing()[Severity.HIGH] == 0
        assert work.alerts.delivery(sent.id) == replace(sent, state=DeliveryState.SENT, tries=2, ended_at=NOW)
        assert work.alerts.remove_episodes(later(minutes=5)) == 0 and work.alerts.remove_episodes(later(minutes=6)) == 1
        assert work.alerts.deliveries([episode.id]) == []


@pytest.mark.parametrize(
    ("measure", "values"),
    [
        (Measure.ANSWERS, [1.0, 1.0]), (Measure.ERRORS, [1.0, 0.0]), (Measure.TTFT, [0.4]), (Measure.TOKENS, [160.0, 160.0]),
        (Measure.PEOPLE, [1.0, 1.0]),
    ],
)  # fmt: skip
def test_samples_are_the_answers_of_the_scope_in_the_order_of_their_times(
    database: Database, measure: Measure, values: list[float]
) -> None:
    ana = put_user(database, things.user(things.new_id(), group="Risk"))
    with SqlUnitOfWork(database) as work:
        work.generations.add(replace(things.generation(ana, at=later(seconds=2)), finish_reason=FinishReason.STOP))
        work.generations.add(replace(things.generation(ana, at=later(seconds=1)), finish_reason=FinishReason.ERROR))
        work.generations.add(things.generation(ana, at=later(seconds=3), model="another"))
        work.generations.add(things.generation(ana, at=later(seconds=9)))
        work.commit()
    rule = AlertRule(name="Rule", measure=measure, threshold=1, model="glm-4-9b", group="Risk")
    with SqlUnitOfWork(database) as work:
        found = work.alerts.samples(rule, NOW, later(seconds=9), 10)
        assert [each.at for each in found] == sorted(each.at for each in found) and {each.who for each in found} == {ana.id}
        if measure is Measure.TTFT:
            assert len(found) == 1 and found[0].value == things.TIMINGS.ttft_s
        else:
            assert [each.value for each in found] == values
        assert len(work.alerts.samples(rule, NOW, later(seconds=9), 1)) == 1
        assert work.alerts.samples(replace(rule, group="Sales"), NOW, later(seconds=9), 10) == []


def test_ratings_and_failed_jobs_are_samples_too(database: Database) -> None:
    ana = put_user(database, things.user(things.new_id()))
    _, _, answered = things.put_exchange(database, ana)
    with SqlUnitOfWork(database) as work:
        work.feedback.put(things.feedback(ana, answered, -1))
        work.commit()
    poor = AlertRule(name="Rule", measure=Measure.POOR, threshold=1)
    with SqlUnitOfWork(database) as work:
        assert work.alerts.samples(poor, NOW, NOW + timedelta(seconds=1), 10) == [Sample(NOW, 1.0, ana.id)]
        assert work.alerts.samples(replace(poor, measure=Measure.JOBS), NOW, later(days=1), 10) == []
