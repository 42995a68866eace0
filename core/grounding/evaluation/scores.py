"""Compare found boxes with labelled boxes."""

from __future__ import annotations

from collections.abc import Sequence

from core.grounding.boxes import overlap
from core.grounding.evaluation.records import Score
from core.grounding.records import Box

MIN_OVERLAP = 0.5
"""Intersection over union from which a found box counts as right."""


def score(found: Sequence[Box], there: Sequence[Box]) -> Score:
    """Count right, wrong and missed boxes.

    As usual in evaluations, found boxes are matched in order of confidence, each with the labelled box that it overlaps most. Each
    labelled box matches once, so a second box on the same object is wrong.
    """
    left = list(there)
    right = 0
    for box in sorted(found, key=lambda box: -1.0 if box.confidence is None else -box.confidence):
        best = max(left, key=lambda each: overlap(box, each), default=None)
        if best is not None and overlap(box, best) >= MIN_OVERLAP:
            left.remove(best)
            right += 1
    return Score(right=right, wrong=len(found) - right, missed=len(left))
