from __future__ import annotations

import numpy as np

from models.engine.kv_cache.offload import MAX_CONVERSATIONS, WORTH_OFFLOADING, OffloadedConversations

STATE = np.zeros(1000, np.uint8)


def conversation(number: int, length: int = WORTH_OFFLOADING) -> list[int]:
    return [1, 2, 3, *range(number * 1000, number * 1000 + length - 3)]


def test_the_longest_shared_beginning_is_found() -> None:
    parked = OffloadedConversations(10_000)
    for number in (1, 2, 3):
        parked.add(conversation(number), STATE)
    found = parked.best([*conversation(2), 77, 78])
    assert found is not None
    assert (found[0].tokens.tolist(), found[1]) == (conversation(2), WORTH_OFFLOADING)


def test_the_last_token_of_a_prompt_is_never_taken_as_known() -> None:
    parked = OffloadedConversations(10_000)
    parked.add(conversation(1), STATE)
    found = parked.best(conversation(1))
    assert found is not None
    assert found[1] == WORTH_OFFLOADING - 1


def test_the_one_not_used_for_longest_goes_when_the_budget_is_full() -> None:
    parked = OffloadedConversations(2500)
    parked.add(conversation(1), STATE)
    parked.add(conversation(2), STATE)
    first = parked.best([1, 2, 3, 1000, 9])
    assert first is not None
    parked.use(first[0], 4)
    parked.add(conversation(3), STATE)
    assert (len(parked), parked.bytes) == (2, 2000)
    assert not parked.wants(conversation(1))
    assert parked.wants(conversation(2))


def test_what_is_larger_than_the_budget_is_not_kept() -> None:
    parked = OffloadedConversations(500)
    parked.add(conversation(1), STATE)
    assert (len(parked), parked.bytes) == (0, 0)


def test_a_conversation_that_grew_takes_the_place_of_its_beginning() -> None:
    parked = OffloadedConversations(10_000)
    parked.add(conversation(1, 100), STATE)
    assert not parked.wants(conversation(1, 90))
    assert parked.wants(conversation(1, 120))
    parked.add(conversation(1, 120), STATE)
    assert len(parked) == 1


def test_short_conversations_and_a_budget_of_nothing_keep_nothing() -> None:
    assert not OffloadedConversations(10_000).wants(conversation(1, WORTH_OFFLOADING - 1))
    assert not OffloadedConversations(0).wants(conversation(1))


def test_what_goes_on_in_a_slot_is_kept_no_longer_but_a_shared_beginning_is() -> None:
    parked = OffloadedConversations(10_000)
    parked.add(conversation(1), STATE)
    found = parked.best([1, 2, 3, 4])
    assert found is not None
    parked.use(*found)
    assert len(parked) == 1
    parked.use(found[0], WORTH_OFFLOADING)
    assert (len(parked), parked.bytes) == (0, 0)


def test_no_more_are_kept_than_can_be_compared_quickly() -> None:
    parked = OffloadedConversations(10**9)
    for number in range(MAX_CONVERSATIONS + 5):
        parked.add(conversation(number), STATE)
    assert len(parked) == MAX_CONVERSATIONS
    assert parked.wants(conversation(4))
    assert not parked.wants(conversation(5))
