"""Run llama.cpp's own server tests against a portal and show their results. `./portal bench peer_tests`

`tests/peers/` lists the tests that do not concern the portal and those that it fails on purpose, each with a reason.
"""

from __future__ import annotations

import sys
from collections import Counter

from bench.portal_parts.portal import table
from tests.peers.run import run_server_tests
from tests.peers.tables import DIFFERENT, ELSEWHERE


def main() -> None:
    result = run_server_tests()
    table("llama.cpp's server tests on the portal", ["became", "tests"], [
        ["passed", result.passed],
        ["failed, as the portal means to differ", result.different],
        ["failed", result.failed],
        ["do not concern the portal", result.elsewhere],
        ["passed of those that concern it", f"{result.share:.1%}"],
    ])  # fmt: skip
    reasons = Counter(reason for _, reason in ELSEWHERE)
    table("Why tests do not concern the portal", ["reason", "lines of the table"], reasons.most_common())
    table("Where the portal differs", ["test", "reason"], DIFFERENT)
    if result.failed:
        print(result.output)
        sys.exit(1)


if __name__ == "__main__":
    main()
