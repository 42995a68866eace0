"""How long a rerun of the chat page takes, over a real websocket: `./portal bench page_rerun`.

Starts the portal in a separate process, with a model that answers at once, fills one conversation, opens it as a browser
would, and reruns the page. A rerun is timed from sending its message to the message that says the script has finished.
Prints a table: messages in the transcript, first load, p50, p95 and worst rerun in ms, and the bytes a rerun sends.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import percentile, table
from samples.servers.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
ANSWER = """The jump is queueing, not decoding. With three slots and a mean answer of 9.4 s the utilisation was

$$\\rho = \\frac{0.29 \\times 9.4}{3} \\approx 0.91$$

| Hour | Requests | Mean wait |
|:--|--:|--:|
| 09:00 | 612 | 0.3 s |
| 10:00 | 1,044 | 2.8 s |

```python
wait = log["first_token_at"] - log["received_at"]
```

1. Raise the slots from 3 to 4.
2. Limit answers to 1,200 tokens in the `batch` group."""


def serve(home: Path, port: int, messages: int) -> None:
    """Run the process under test: a portal with one conversation. It prints the session token and the conversation's id."""
    os.chdir(ROOT)
    import uvicorn

    import settings
    from bootstrap import process as portal_process
    from core.chat.turns import TurnOptions
    from core.people.records import Role, SessionKind
    from core.people.sessions import Proof
    from samples.fakes import FakePool, FakeRouter, answer

    router = FakeRouter(always=answer(ANSWER, reasoning="The hour matters."))
    portal = portal_process.start(replace(settings.Settings(), home=home), pool=FakePool(), router=router)
    user = portal.accounts.add(None, "bench", Role.ANALYST, password="bench-password")
    conversation = portal.conversations.new(user)
    for n in range(messages // 2):
        turn = portal.turns.start(user, conversation.id, f"Question {n + 1}: why did the p95 jump on Tuesday?", TurnOptions(), f"bench-{n}")
        while (running := portal.turns.find(user, turn.id)) is not None:
            running.wait_finished(1.0)
            time.sleep(0.002)
    print(json.dumps({"token": portal.sessions.open(Proof(user), SessionKind.BROWSER), "conversation": conversation.id}), flush=True)
    import app

    uvicorn.run(app.app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def rerun(tab: PageSocket, conversation: str, rounds: int) -> tuple[list[float], list[int]]:
    """Return the milliseconds and bytes of each rerun; the first is the first load."""
    times, sizes = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        tab.run(query=f"c={conversation}")
        times.append((time.perf_counter() - began) * 1000)
        sizes.append(tab.received_bytes)
        time.sleep(0.05)
    return times, sizes


def measure(messages: int, rounds: int) -> list[str]:
    """Measure reruns of a conversation with `messages` messages; return a row of the table."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "bench.pages.page_rerun", "--serve", home, str(port), str(messages)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                facts = json.loads(next(line for line in server.stdout if line.startswith("{")))
                _wait(port)
                with PageSocket(f"127.0.0.1:{port}", facts["token"]) as tab:
                    times, sizes = rerun(tab, facts["conversation"], rounds + 1)
            finally:
                server.terminate()
    warm = times[1:]
    figures = [times[0], percentile(warm, 0.5), percentile(warm, 0.95), max(warm), statistics.median(sizes[1:]) / 1024]
    return [str(messages), *(f"{each:.0f}" for each in figures)]


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                if json.load(answer):
                    return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The portal did not start within 60 s.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[2, 50, 200])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(Path(given.serve[0]), int(given.serve[1]), int(given.serve[2]))
        return
    rows = [measure(messages, given.rounds) for messages in given.messages]
    table("Rerun of the chat page, ms", ["messages", "first load", "p50", "p95", "worst", "KB sent"], rows)


if __name__ == "__main__":
    main()
