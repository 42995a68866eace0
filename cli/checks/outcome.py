"""Decide whether the tests passed, after a second run of a few that failed.

About 13,500 tests run beside each other and beside a soak. A test that fails there and passes alone is named as unsteady, and its first
failure stays in the output; it is a fault to mend, but it does not fail the run. A test that fails twice does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cli.checks.parallel_tests import Result

MOST_AGAIN = 5
"""If more tests than this fail, none runs again: that is no coincidence."""
_TESTS_FAILED = 1
"""pytest's exit code if tests failed and nothing else went wrong."""


def to_run_again(results: Sequence[Result]) -> tuple[str, ...]:
    """Return the failed tests, or none if there are too many, or if a part failed in another way: it crashed, hung or was not collected."""
    broken = [result for result in results if result.code]
    tests = tuple(dict.fromkeys(test for result in broken for test in result.failed))
    others = any(result.code != _TESTS_FAILED or result.cut or not result.failed for result in broken)
    return () if others or len(tests) > MOST_AGAIN else tests


@dataclass(frozen=True)
class Outcome:
    """The results of all parts. again: of the second run, if there was one."""

    results: Sequence[Result]
    again: Result | None = None

    @property
    def code(self) -> int:
        """Return the exit code: 0 if every test passed, in the first run or alone."""
        if self.again is not None:
            return self.again.code
        return next((result.code for result in self.results if result.code), 0)

    @property
    def unsteady(self) -> tuple[str, ...]:
        """Return the tests that failed at first and passed alone."""
        if self.again is None:
            return ()
        return tuple(test for test in to_run_again(self.results) if test not in self.again.failed) if not self.again.cut else ()

    @property
    def counts(self) -> tuple[int, int, int]:
        """Return how many tests passed, failed and were skipped. One in which a process ended counts as failed."""
        passed, failed, skipped = (sum(result.counts[number] for result in self.results) for number in range(3))
        return passed + len(self.unsteady), failed + sum(bool(result.cut) for result in self.results) - len(self.unsteady), skipped

    def failures(self) -> list[str]:
        """Return lines that name what failed."""
        lines: list[str] = []
        for result in [self.again] if self.again is not None else self.results:
            if result.code:
                lines.extend([f"{' '.join(result.part)} ended with code {result.code}", *result.failures])
        return lines
