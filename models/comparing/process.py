"""Compare two files in a separate process: `python -m models.comparing.process`, run by comparer.py.

Reads one line of JSON with the task, and prints a line of JSON for each loaded file and each finished question.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.comparing.records import KL_BOUNDS
from core.errors import PortalError
from models.comparing.divergence import divergence
from models.comparing.scorer import Scorer, chunks
from models.engine.llama import native
from models.engine.llama.options import BackendOptions

_PR_SET_PDEATHSIG = 1


def main() -> int:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Loaded models answer meanwhile.
    os.nice(10)
    task = json.loads(sys.stdin.readline())
    try:
        scorers = [_load(task["files"][side], side) for side in (0, 1)]
        if scorers[0].vocabulary != scorers[1].vocabulary:
            _write(refused="vocabulary")
            return 1
        for number, question in enumerate(task["questions"]):
            _write(number=number, result=_compared(scorers, question, task["answer_tokens"]))
    except PortalError as problem:
        _write(error=str(problem))
        return 1
    return 0


def _load(file: Mapping[str, Any], side: int) -> Scorer:
    before = native.memory_taken()
    scorer = Scorer(Path(file["path"]), BackendOptions(**file["options"]))
    _write(loaded=side, memory_bytes=max(0, native.memory_taken() - before))
    return scorer


def _compared(scorers: list[Scorer], question: Mapping[str, str], most: int) -> dict[str, object]:
    first = scorers[0]
    prompt, answer = first.tokenize(question["prompt"]), first.tokenize(question["answer"])
    whole = [*prompt, *answer][: min(each.context for each in scorers)]
    begin = min(len(prompt), len(whole)) - 1
    # Start at the last token of the prompt: the logits after it predict the first token of the answer.
    scored, following = whole[begin:-1], whole[begin + 1 :]
    kl, same, losses = 0.0, 0, [0.0, 0.0]
    counts = np.zeros(len(KL_BOUNDS) + 1, np.int64)
    for scorer in scorers:
        scorer.read(whole[:begin])
    for start, tokens in chunks(scored):
        one, other = (scorer.logits(begin + start, tokens) for scorer in scorers)
        found = divergence(one, other, following[start : start + len(tokens)])
        kl += float(found.kl.sum())
        same += int(found.same_top.sum())
        counts += np.bincount(np.searchsorted(KL_BOUNDS, found.kl, side="right"), minlength=len(counts))
        losses = [losses[side] + float(found.losses[side].sum()) for side in (0, 1)]
    answers = [scorer.answer(prompt[: scorer.context - 1], most) if most else ("", 0, 0.0) for scorer in scorers]
    return {
        "tokens": len(scored), "kl_sum": kl, "same_top": same, "kl_counts": counts.tolist(), "losses": losses,
        "texts": [each[0] for each in answers], "generated": [each[1] for each in answers], "seconds": [each[2] for each in answers],
    }  # fmt: skip


def _write(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
