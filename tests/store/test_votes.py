"""Votes of the Arena, of chats and of Compare, counted together on both databases."""

from __future__ import annotations

from pathlib import Path

from core.arena.records import ArenaVote, Choice, Contender, VoteFilter, VoteTask
from core.comparing.records import ComparedFile, Vote, VoteChoice
from core.comparing.records import Comparison as FileComparison
from core.review.records import Comparison, Lane
from core.review.records import Vote as LaneVote
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_exchange, put_user

OLD, NEW = Contender("glm", "a41c"), Contender("glm", "b71e")


def vote(user_id: str, choice: Choice, task: VoteTask | None = None, days: int = 0) -> ArenaVote:
    return ArenaVote(
        id=things.new_id(), user_id=user_id, left=NEW, right=OLD, choice=choice, task=task, voted_at=things.later(days=days)
    )  # fmt: skip


def test_votes_are_counted_by_person_and_pair_whatever_the_side(database: Database) -> None:
    ana, bob = put_user(database), put_user(database, things.user("bob", group="legal"))
    turned = ArenaVote(id=things.new_id(), user_id=ana.id, left=OLD, right=NEW, choice=Choice.LEFT, voted_at=things.NOW)
    cast = [vote(ana.id, Choice.LEFT, VoteTask.CODE), vote(ana.id, Choice.POOR), vote(bob.id, Choice.ALIKE, days=3), turned]
    with SqlUnitOfWork(database) as work:
        for each in cast:
            work.votes.put(each)
        work.commit()
    with SqlUnitOfWork(database) as work:
        by_person = {each.user_id: each for each in work.votes.counts(VoteFilter())}
        mine = by_person[ana.id]
        assert (mine.first, mine.second, mine.first_wins, mine.second_wins, mine.ties) == (OLD, NEW, 1, 1, 1)
        assert by_person[bob.id].ties == 1
        for filter, votes in (
            (VoteFilter(group="legal"), 1), (VoteFilter(task=VoteTask.CODE), 1), (VoteFilter(since=things.later(days=1)), 1),
            (VoteFilter(until=things.later(days=1)), 3), (VoteFilter(group="nobody"), 0),
        ):  # fmt: skip
            assert sum(each.votes for each in work.votes.counts(filter)) == votes, filter
        assert not work.votes.remove(cast[0].id, bob.id) and work.votes.remove(cast[0].id, ana.id)
        assert sum(each.votes for each in work.votes.counts(VoteFilter())) == 3


def test_votes_in_chats_count_for_models_with_their_versions_and_for_presets(database: Database) -> None:
    ana = put_user(database)
    talk, asked, good = put_exchange(database, ana)
    others = [things.answer(asked, "No."), things.answer(asked, "Maybe.")]
    with SqlUnitOfWork(database) as work:
        work.offers.put_preset(things.preset("formal"))
        for each in others:
            work.messages.add(each)
            work.generations.add(things.generation(ana, each))
        lanes = (Lane("t1", good.id), Lane("t2", others[0].id, "formal"), Lane("t3", others[1].id, "fast@gateway"))
        compared = Comparison(
            id=things.new_id(), user_id=ana.id, group=ana.group, conversation_id=talk.id, question_id=asked.id, lanes=lanes,
            created_at=things.NOW,
        )  # fmt: skip
        work.comparisons.add(compared)
        assert not work.votes.counts(VoteFilter())
        work.comparisons.vote(compared.id, LaneVote.ONE, good.id, things.NOW)
        found = {(each.first, each.second): (each.first_wins, each.second_wins) for each in work.votes.counts(VoteFilter())}
        mine, preset_one, fast = Contender("glm-4-9b", "f00d"), Contender("formal"), Contender("fast@gateway", "f00d")
        assert found == {(preset_one, mine): (0, 1), (fast, mine): (0, 1)}
        work.comparisons.vote(compared.id, LaneVote.ALIKE, None, things.NOW)
        assert [each.ties for each in work.votes.counts(VoteFilter())] == [1, 1, 1]
        assert not work.votes.counts(VoteFilter(until=things.NOW)) and not work.votes.counts(VoteFilter(task=VoteTask.CODE))


def test_votes_of_compare_count_for_files(database: Database) -> None:
    ana = put_user(database)
    files = [ComparedFile(path=Path(f"/models/glm-{name}.gguf"), quantization=name, size_bytes=1) for name in ("Q8_0", "Q4_K_M")]
    compared = FileComparison(
        id=things.new_id(), started_by=ana.id, created_at=things.NOW, server="s", reference=files[0], candidate=files[1], questions=2,
        ended_at=things.NOW,
    )  # fmt: skip
    with SqlUnitOfWork(database) as work:
        work.file_comparisons.add(compared)
        for number, choice in enumerate((VoteChoice.CANDIDATE, VoteChoice.REFERENCE, VoteChoice.REFERENCE, VoteChoice.POOR)):
            work.file_comparisons.vote(Vote(comparison_id=compared.id, user_id=ana.id, number=number, choice=choice))
        [found] = work.votes.counts(VoteFilter(group=ana.group))
        assert (found.first.name, found.first_wins, found.second_wins, found.ties) == ("glm-Q4_K_M", 1, 2, 1)
        assert not work.votes.counts(VoteFilter(since=things.later(days=1)))
