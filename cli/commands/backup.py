"""Run ./portal backup and ./portal restore, even while a portal runs. Runs inside the environment."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import settings as portal_settings
from bootstrap import store as home_store
from bootstrap.parts import BACKUP_KEY as KEY
from cli.ending import ending
from core.errors import InvalidInput


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)

    def command() -> int:
        settings = portal_settings.load()
        if asked.command == "backup":
            written = home_store.backup(settings, asked.file, _new_passphrase(asked.encrypt))
            _print_counts(written.rows)
            kept = "encrypted" if written.sealed else "not encrypted: anyone who has the file can read every chat"
            print(f"Written and verified: {written.path}, {written.size_bytes / 1e6:,.1f} MB, {kept}.")
        else:
            with home_store.open_backup(settings, asked.file, lambda: _passphrase("Passphrase: ")) as backup:
                _print_counts(backup.contents.rows)
                print(f"Created {backup.contents.made_at:%Y-%m-%d %H:%M} UTC, revision {backup.contents.revision}; the file is intact.")
                if asked.dry_run:
                    does = "would be filled" if backup.empty else "is not empty, so nothing would be restored"
                    print(f"{backup.target} {does}. Nothing was changed.")
                    return 0 if backup.empty else 1
                backup.restore()
                print(f"Restored into {backup.target}. The search index fills when the portal runs; everyone must sign in again.")
        return 0

    return ending(command)


def _parser() -> argparse.ArgumentParser:
    about = f"A backup is encrypted if {KEY} is set, or with --encrypt, which prompts for a passphrase."
    parser = argparse.ArgumentParser(prog="./portal", description=about)
    commands = parser.add_subparsers(dest="command", required=True)
    backup = commands.add_parser("backup", help="write the whole database into one file, while the portal runs")
    restore = commands.add_parser("restore", help="restore a backup into an empty database")
    for command in (backup, restore):
        command.add_argument("file", type=Path)
    backup.add_argument("--encrypt", action="store_true", help="ask for a passphrase")
    restore.add_argument("--dry-run", action="store_true", help="read and verify the file, and show what a restore would do")
    return parser


def _new_passphrase(ask: bool) -> str | None:
    given = os.environ.get(KEY)
    if given or not ask:
        return given or None
    typed = _passphrase("Passphrase: ")
    if not typed or _passphrase("Again: ") != typed:
        raise InvalidInput("The passphrases do not match, or are empty. Try again.")
    return typed


def _passphrase(prompt: str) -> str:
    given = os.environ.get(KEY)
    if given:
        return given
    if not sys.stdin.isatty():
        raise InvalidInput("There is no terminal for typing a passphrase. Set PORTAL_BACKUP_KEY.")
    return getpass.getpass(prompt)


def _print_counts(rows: Mapping[str, int]) -> None:
    width = max(len(name) for name in rows)
    for name, count in rows.items():
        print(f"{name.ljust(width)}  {count:>12,}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
