"""Run ./portal audit: verify the chain of audit events, even while a portal runs. Runs inside the environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import settings as portal_settings
from bootstrap.store import open_audit_chain
from cli.ending import ending
from core.access.audit_chain import Fault

FAULTS = {
    Fault.CHANGED: "Event {id} was changed: it does not match its hash.",
    Fault.MISSING: "Events before {id} are missing, and no retention rule removed them.",
    Fault.UNCHAINED: "Event {id} has no hash: something else than the portal wrote it.",
    Fault.CUT: "The newest events are missing: the given head does not occur.",
}


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)

    def command() -> int:
        with open_audit_chain(portal_settings.load()) as chain:
            found = chain.verify(None, asked.head or "")
        if found.fault is None:
            print(f"The audit log is intact: {found.events:,} events.\nHead: {found.head}")
            return 0
        print(f"The audit log is not intact. {FAULTS[found.fault].format(id=found.event_id)} Compare it with a backup.")
        return 1

    return ending(command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./portal audit", description="The audit log; docs/operating.md.")
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="check that no event was changed or removed; ends with 1 if one was")
    verify.add_argument("--head", metavar="HASH", help="a head that an earlier run printed, which must still occur")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
