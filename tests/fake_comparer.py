"""A fake comparer of files with fixed results."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.comparing.records import ComparedFile, ComparedQuestion, QuestionResult


class FakeComparer:
    """gate: waits for it before the second result."""

    def __init__(self) -> None:
        self.gate: threading.Event | None = None
        self.begun = threading.Event()

    def check(self, reference: Path, candidate: Path) -> tuple[ComparedFile, ComparedFile]:
        return (
            ComparedFile(path=reference, quantization="Q8_0", size_bytes=2_000),
            ComparedFile(path=candidate, quantization="Q4_K_M", size_bytes=1_000),
        )

    def compare(
        self,
        reference: Path,
        candidate: Path,
        questions: Sequence[ComparedQuestion],
        loaded: Callable[[int, int], None],
        check: Callable[[], None],
    ) -> Iterator[QuestionResult]:
        loaded(0, 5_000)
        loaded(1, 3_000)
        for number, question in enumerate(questions):
            yield result(question.question, number)
            self.begun.set()
            while self.gate is not None and not self.gate.wait(0.02):
                check()


def result(question: str, number: int = 0) -> QuestionResult:
    return QuestionResult(
        question=question, tokens=10, kl_sum=0.1 * number, same_top=9, kl_counts=(6, 2, 1, 1, 0), losses=(10.0, 11.0),
        texts=(f"reference {number}", f"candidate {number}"), generated=(20, 20), seconds=(2.0, 1.0),
    )  # fmt: skip
