"""Run ./portal user: accounts from the command line, even while a portal runs. Runs inside the environment."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence

import settings as portal_settings
from bootstrap.store import open_accounts, open_api_keys, open_second_factors
from cli.ending import ending
from core.errors import InvalidInput
from core.passwords.rules import generate_password
from core.people.accounts import Accounts
from core.people.api_keys import ApiKeys, KeyTerms
from core.people.records import Role, Scope


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)

    def command() -> int:
        if asked.command == "forget-factor":
            with open_second_factors(portal_settings.load()) as factors:
                factors.remove(None, asked.name)
            print(f"{asked.name} can sign in without a second factor.")
            return 0
        if asked.command == "key":
            with open_api_keys(portal_settings.load()) as keys:
                _make_key(keys, asked)
            return 0
        with open_accounts(portal_settings.load()) as accounts:
            _do(accounts, asked)
        return 0

    return ending(command)


def _parser() -> argparse.ArgumentParser:
    about = "The password is prompted for, read from PORTAL_PASSWORD, or generated with --generate."
    parser = argparse.ArgumentParser(prog="./portal user", description=about)
    commands = parser.add_subparsers(dest="command", required=True)
    roles = f"{', '.join(Role)}, or a custom role"
    commands.add_parser("list", help="list everyone who may sign in")
    add = commands.add_parser("add", help="add a person")
    passwd = commands.add_parser("passwd", help="set a new password; ends the person's sessions")
    role = commands.add_parser("role", help="change the role; takes effect at once")
    disable = commands.add_parser("disable", help="forbid signing in; ends the person's sessions")
    enable = commands.add_parser("enable", help="allow signing in again")
    key = commands.add_parser("key", help="make an API key and print it")
    forget = commands.add_parser("forget-factor", help="remove the second factor, for a lost phone")
    for command in (add, passwd, role, disable, enable, key, forget):
        command.add_argument("name")
    add.add_argument("--role", default=Role.ANALYST.value, help=roles)
    add.add_argument("--full-name", default="")
    add.add_argument("--group", default="")
    role.add_argument("role", help=roles)
    key.add_argument("--label", default="command line", help="what uses the key")
    key.add_argument("--scope", action="append", choices=[each.value for each in Scope], help="may be repeated; default: chat")
    key.add_argument("--days", type=int, default=90, help="0: valid until it is revoked")
    for command in (add, passwd):
        command.add_argument("--generate", action="store_true", help="generate a password and print it")
    return parser


def _do(accounts: Accounts, asked: argparse.Namespace) -> None:
    match asked.command:
        case "list":
            _list(accounts)
        case "add":
            password, note = _password(asked.generate)
            user = accounts.add(None, asked.name, asked.role, password=password, full_name=asked.full_name, group=asked.group)
            print(f"Added {user.name} as {user.role}.{note}")
        case "passwd":
            password, note = _password(asked.generate)
            accounts.reset_password(None, asked.name, password)
            print(f"The password of {asked.name} was changed, and the sessions were ended.{note}")
        case "role":
            user = accounts.change(None, asked.name, role=asked.role)
            print(f"{user.name} is now {user.role}.")
        case "disable":
            user = accounts.change(None, asked.name, active=False)
            print(f"{user.name} is disabled and signed out everywhere.")
        case "enable":
            user = accounts.change(None, asked.name, active=True)
            print(f"{user.name} may sign in again.")


def _make_key(keys: ApiKeys, asked: argparse.Namespace) -> None:
    scopes = frozenset(map(Scope, asked.scope or [Scope.CHAT]))
    print(keys.make_for(asked.name, KeyTerms(name=asked.label, scopes=scopes, days=asked.days or None)).token)


def _list(accounts: Accounts) -> None:
    people = accounts.people(None)
    rows = [("NAME", "ROLE", "GROUP", "STATE", "LAST SEEN")]
    for user in people:
        seen = f"{user.last_seen_at:%Y-%m-%d %H:%M}" if user.last_seen_at else "never"
        rows.append((user.name, user.role, user.group or "-", "active" if user.active else "disabled", seen))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _password(generate: bool) -> tuple[str, str]:
    """Return the new password, and what to print about it."""
    if generate:
        password = generate_password()
        return password, f" Password: {password}"
    given = os.environ.get("PORTAL_PASSWORD")
    if given is not None:
        return given, ""
    if not sys.stdin.isatty():
        raise InvalidInput("There is no terminal for typing a password. Set PORTAL_PASSWORD, or use --generate.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise InvalidInput("The passwords do not match. Try again.")
    return password, ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
