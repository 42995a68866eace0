"""Check whether every response over REST is one that the OpenAPI description names. `./portal bench contract [REQUESTS] [SEED]`

Sends 10,000 requests made from the description, valid and invalid ones, to a portal with the built-in model. Exits with 1 if a response is
not described or is a 500, or if the portal has ended.
"""

from __future__ import annotations

import sys

import httpx

from bench.portal_parts.contract import check, describe
from bench.portal_parts.contract_things import contract_things
from bench.portal_parts.portal import running_portal, table

REQUESTS = 10_000
SHOWN = 20


def main() -> int:
    given = [int(each) for each in sys.argv[1:]]
    count, seed = (*given, *(REQUESTS, 0)[len(given) :])[:2]
    with running_portal() as portal:
        portal.add_people(["ana"])
        with portal.sign_in() as admin, portal.sign_in() as other:
            known = {**contract_things(admin), "name": "ana"}
            outcome = check(portal.url, describe(portal.url), (_token(admin), _token(other)), known, count, number=seed)
        ended = portal.process.poll()
    took, slowest = outcome.slowest
    title = f"{outcome.sent:,} requests in {outcome.seconds:.0f} s, the slowest {took:.1f} s ({slowest})"
    table(title, ("status", "answers"), sorted(outcome.statuses.items()))
    for fault, found in list(outcome.faults.items())[:SHOWN]:
        print(f"\n{fault}\n{found}")
    print(f"\n{len(outcome.faults)} kinds of answers are not described." if outcome.faults else "\nEvery answer is described.")
    print(f"{outcome.statuses[500]} answers of 500. " + ("The portal still runs." if ended is None else f"The portal ended with {ended}."))
    return 1 if outcome.faults or outcome.statuses[500] or ended is not None else 0


def _token(client: httpx.Client) -> str:
    return str(client.headers["Authorization"]).removeprefix("Bearer ")


if __name__ == "__main__":
    sys.exit(main())
