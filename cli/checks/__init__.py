"""Run ./portal test.

In reading order:

- checks: install what tests need, then check style, types and tests
- parallel_tests: run the parts of the tests in two workers
- outcome: decide whether they passed, after a second run of a few that failed
- background_soak: the soak that runs beside them
"""
