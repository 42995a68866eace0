"""Presets, access rules and swaps on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.changes.records import ChangeMarker
from core.comparing.records import Vote, VoteChoice
from core.errors import StoredError
from core.inference.offers import AccessRule
from core.models.swaps.records import CanaryQuestion, Decision, ReplayQuestion, StepKind, StepState, SwapState
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import NOW, put_user


def test_a_preset_comes_back_as_it_was_written(database: Database) -> None:
    written = things.preset("legal")
    with SqlUnitOfWork(database) as work:
        work.offers.put_preset(written)
        work.commit()
    changed = replace(written, title="Lawyer", thinking=None, published=False, created_at=NOW + timedelta(days=1))
    with SqlUnitOfWork(database) as work:
        assert work.offers.preset("legal") == written and work.offers.preset("other") is None
        work.offers.put_preset(changed)
        work.offers.put_rule(AccessRule("legal", frozenset({"manager"})))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert list(work.offers.presets()) == [replace(changed, created_at=NOW)]
        assert work.offers.remove_preset("legal") and not work.offers.remove_preset("legal")
        assert list(work.offers.rules()) == [], "its rule goes with it"


def test_rules_and_defaults_are_replaced_and_removed(database: Database) -> None:
    rule = AccessRule("glm", frozenset({"manager", "auditor"}), frozenset({"Risk", "风险"}))
    with SqlUnitOfWork(database) as work:
        work.offers.put_rule(AccessRule("glm", frozenset({"analyst"})))
        work.offers.put_rule(rule)
        work.offers.put_group_model("Risk", "glm")
        work.offers.put_group_model("Risk", "legal")
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert list(work.offers.rules()) == [rule] and dict(work.offers.group_models()) == {"Risk": "legal"}
        work.offers.put_rule(AccessRule("glm"))
        work.offers.put_group_model("Risk", None)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert list(work.offers.rules()) == [] and dict(work.offers.group_models()) == {}


def test_a_swap_comes_back_as_it_was_written(database: Database) -> None:
    ana = put_user(database)
    written = replace(things.swap(things.new_id()), started_by=ana.id)
    with SqlUnitOfWork(database) as work:
        work.swaps.add(written)
        work.swaps.add(replace(written, id=things.new_id(), model="other", created_at=NOW + timedelta(hours=1), server="there"))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.swaps.get(written.id) == replace(written, started_by_name=ana.full_name)
        assert [swap.model for swap in work.swaps.newest(5)] == ["other", "glm"]
        assert [swap.id for swap in work.swaps.newest(5, "glm")] == [swap.id for swap in work.swaps.active("here")] == [written.id]
        work.swaps.decide(written.id, Decision.APPROVE)
        ended = replace(written.stepped(StepKind.LOAD, state=StepState.FAILED, ended_at=NOW, note=StoredError("No.")), ended_at=NOW)
        work.swaps.save(replace(ended, state=SwapState.ROLLED_BACK, reason=StoredError("No.")))
        work.commit()
    with SqlUnitOfWork(database) as work:
        kept = work.swaps.get(written.id)
        assert kept is not None and kept.steps == ended.steps and kept.state is SwapState.ROLLED_BACK and not work.swaps.active("here")
        assert work.swaps.decision(written.id) is Decision.APPROVE, "saving a swap leaves what an admin said"


def test_questions_and_markers_are_kept(database: Database) -> None:
    canary = CanaryQuestion(id=things.new_id(), model="glm", question="What?", language="en", pattern="x+")
    replay = ReplayQuestion(id=things.new_id(), model="glm", question="What?", accepted="That.", created_at=NOW, created_by="ana")
    marker = ChangeMarker(id=things.new_id(), at=NOW, kind="model.swap", subject="glm", details={"from": "v1", "to": "v2"})
    with SqlUnitOfWork(database) as work:
        work.swaps.add_canary(canary)
        work.swaps.add_replay(replay)
        work.swaps.mark(marker)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert list(work.swaps.canaries()) == [canary]
        assert list(work.swaps.replays()) == list(work.swaps.replays("glm")) == [replay] and not work.swaps.replays("other")
        assert list(work.swaps.markers(NOW, NOW + timedelta(seconds=1))) == [marker]
        assert not work.swaps.markers(NOW - timedelta(days=1), NOW)
        assert work.swaps.remove_canary(canary.id) and not work.swaps.remove_canary(canary.id)
        assert work.swaps.remove_replay(replay.id) and not work.swaps.remove_replay(replay.id)


def test_comparisons_and_votes_come_back_as_they_were_written(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana")), put_user(database, things.user("bo"))
    written = things.comparison(things.new_id(), "Fine.", ana.id)
    other = replace(things.comparison(things.new_id()), created_at=NOW + timedelta(hours=1), ended_at=NOW + timedelta(hours=2))
    failed = replace(other, error=StoredError("It failed: {why}", {"why": "x"}))
    with SqlUnitOfWork(database) as work:
        work.file_comparisons.add(written)
        work.file_comparisons.add(other)
        work.file_comparisons.save(failed)
        for person, number, choice in (
            (ana, 0, VoteChoice.CANDIDATE), (ana, 0, VoteChoice.POOR), (bo, 0, VoteChoice.POOR), (bo, 1, VoteChoice.ALIKE),
        ):  # fmt: skip
            work.file_comparisons.vote(Vote(comparison_id=written.id, user_id=person.id, number=number, choice=choice))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.file_comparisons.get(written.id) == replace(written, started_by_name=ana.full_name)
        assert work.file_comparisons.newest(5) == [failed, replace(written, started_by_name=ana.full_name)]
        assert [each.id for each in work.file_comparisons.running("here")] == [written.id] and not work.file_comparisons.running("there")
        assert work.file_comparisons.voted(written.id, bo.id) == {0, 1}
        assert work.file_comparisons.votes(written.id) == {0: {VoteChoice.POOR: 2}, 1: {VoteChoice.ALIKE: 1}}
        work.file_comparisons.remove(written.id)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.file_comparisons.get(written.id) is None and not work.file_comparisons.votes(written.id)
