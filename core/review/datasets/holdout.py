"""Decide which conversations are held out for tests.

The decision is a hash of the conversation's id alone, so a conversation is on the same side in every version of every dataset.
"""

from __future__ import annotations

from hashlib import blake2b

_PARTS = 10_000


def is_held_out(conversation_id: str, percent: int) -> bool:
    """Tell whether the conversation is among the `percent` that are held out. A larger share contains every smaller one."""
    digest = blake2b(conversation_id.encode(), digest_size=8, person=b"holdout").digest()
    return int.from_bytes(digest) % _PARTS < percent * _PARTS // 100
