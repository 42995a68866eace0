"""Merge many sketches at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.usage.rollups.sketches import Sketch

_PAIRS = np.dtype([("bucket", "<u2"), ("count", "<u4")])
"""As Sketch.packed writes them."""


def merged(packed: Sequence[bytes]) -> Sketch:
    """Return the sum of packed sketches."""
    pairs = np.frombuffer(b"".join(packed), _PAIRS)
    if not pairs.size:
        return Sketch()
    counts = np.bincount(pairs["bucket"], weights=pairs["count"])
    [filled] = np.nonzero(counts)
    return Sketch({int(bucket): int(counts[bucket]) for bucket in filled})
