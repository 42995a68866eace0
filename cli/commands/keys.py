"""Run ./portal keys: encryption at rest, even while a portal runs. Runs inside the environment."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

import settings as portal_settings
from bootstrap.store import KEYS_NOTICED_S, open_keys
from cli.ending import ending
from core.errors import InvalidInput

NEW = "PORTAL_NEW_MASTER_KEY"


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)

    def command() -> int:
        with open_keys(portal_settings.load()) as keys:
            if asked.command == "rewrap":
                new = os.environ.get(NEW)
                if not new:
                    raise InvalidInput("Set {name} to the new master key.", name=NEW)
                count = keys.rewrap(portal_settings.read_key(new, NEW))
                print(f"{count} data keys were wrapped with the new master key. Start every portal with it: the old one no longer works.")
            else:
                if asked.command == "rotate":
                    keys.add()
                    # Values that a running portal still encrypts with the old key would be missed below.
                    print(f"A new data key was created. Waiting {KEYS_NOTICED_S:.0f} s until every running portal uses it.")
                    time.sleep(KEYS_NOTICED_S)
                print(f"{keys.seal():,} texts and file chunks were encrypted with the current data key.")
        return 0

    return ending(command, when_stopped="Stopped; run the same command to continue.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./portal keys", description="Encryption at rest; docs/settings.md, PORTAL_MASTER_KEY.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("seal", help="encrypt what was stored before encryption was switched on")
    commands.add_parser("rotate", help="create a new data key, and encrypt everything with it")
    commands.add_parser("rewrap", help=f"wrap the data keys with the master key in {NEW}")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
