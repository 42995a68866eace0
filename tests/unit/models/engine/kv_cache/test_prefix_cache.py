from __future__ import annotations

from models.engine.kv_cache.prefix_cache import Match, PrefixCache, common_prefix


def holding(*slots: list[int]) -> PrefixCache:
    cache = PrefixCache(len(slots), copy_from=4)
    for slot, tokens in enumerate(slots):
        cache.extend(slot, tokens)
    return cache


def test_the_common_prefix_is_found_wherever_it_ends() -> None:
    held = list(range(100))
    for length in (0, 1, 2, 49, 50, 99):
        assert common_prefix(held, [*range(length), 777, *range(length + 1, 100)], 100) == length
    assert common_prefix(held, held, 100) == 100
    assert common_prefix(held, held, 10) == 10
    assert common_prefix([], held, 10) == 0


def test_one_token_is_always_left_to_compute() -> None:
    assert holding([1, 2, 3]).match([1, 2, 3], {0}) == Match(0, 0, 2)


def test_a_conversation_goes_on_in_its_slot() -> None:
    assert holding([9] * 8, [1, 2, 3, 4, 5]).match([1, 2, 3, 4, 5, 6], {0, 1}) == Match(1, 1, 5)


def test_a_busy_slot_is_copied_not_taken() -> None:
    assert holding([1, 2, 3, 4, 5, 6], []).match([1, 2, 3, 4, 5, 7], {1}) == Match(1, 0, 5)


def test_a_short_prefix_is_not_worth_a_copy() -> None:
    assert holding([1, 2, 3], []).match([1, 2, 9, 9], {1}) == Match(1, 1, 0)


def test_a_long_conversation_is_not_overwritten_for_its_system_prompt() -> None:
    conversation = [1, 2, 3, 4, 5, *range(100, 200)]
    assert holding(conversation, []).match([1, 2, 3, 4, 5, 6], {0, 1}) == Match(1, 0, 5)


def test_empty_slots_are_used_before_remembered_conversations() -> None:
    assert holding([7, 8], [], [9]).match([1, 2], {0, 1, 2}).slot == 1


def test_the_slot_unused_for_longest_makes_way() -> None:
    cache = holding([7, 8], [5, 6], [9, 9])
    for slot in (1, 2, 0):
        cache.touch(slot)
    assert cache.match([1, 2], {0, 1, 2}).slot == 1
    assert cache.least_used({0, 2}) == 2


def test_beginning_truncates_and_copies() -> None:
    cache = holding([1, 2, 3, 4, 5, 6], [])
    cache.begin(Match(1, 0, 5))
    assert [cache.held(slot) for slot in range(2)] == [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5]]
    assert cache.cells == 11
