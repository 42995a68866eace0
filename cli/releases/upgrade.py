"""Run ./portal upgrade and ./portal rollback: change to another release and return, with the data.

The new release lies in a folder of its own. While the portal still runs, its environment is installed beside the old one
and the doctor checks everything. Then: stop, back up by the old release, migrate, start, wait for /readyz. Whatever fails from the backup
on brings back the old environment and the old tables, with every row.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.commands import doctor
from cli.environment import python_packages
from cli.environment.install import install_runtime
from cli.paths import REPOSITORY, Paths
from cli.progress import step
from cli.releases import environments
from cli.releases.environments import Change
from cli.releases.running import ask, run_command, started, wait_until_ready
from core.errors import PortalError, StartFailed

_DATABASE = ("-m", "cli.releases.database")


def main(paths: Paths, arguments: Sequence[str]) -> int:
    """Upgrade from the release in another folder to this one, or undo that. Raises StartFailed."""
    asked = _parser().parse_args(arguments)
    service = Service(paths, asked.stop, asked.start, asked.wait)
    if asked.command == "rollback":
        return _rollback(paths, service)
    return _upgrade(paths, service, asked.old, force=asked.force)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./portal")
    commands = parser.add_subparsers(dest="command", required=True)
    upgrade = commands.add_parser("upgrade", help="change to the release in this folder")
    upgrade.add_argument("old", type=Path, help="the folder of the release that serves, or a link to it, which is then changed")
    upgrade.add_argument("--force", action="store_true", help="go on although the doctor found something")
    rollback = commands.add_parser("rollback", help="return to the release before the last upgrade")
    for command in (upgrade, rollback):
        command.add_argument("--stop", help="what stops the portal, such as 'systemctl stop glm-portal-admin'")
        command.add_argument("--start", help="what starts it; without this it is started for the check only")
        command.add_argument("--wait", type=float, default=600, help="seconds until it must be ready (default 600)")
    return parser


class Service:
    """Stops and starts the portal: by the operator's commands, or as a child for the check alone."""

    def __init__(self, paths: Paths, stop: str | None, start: str | None, wait_s: float) -> None:
        self._log = paths.home / "logs" / "upgrade.log"
        self._stop = stop
        self._start = start
        self._wait_s = wait_s

    @property
    def starts(self) -> bool:
        return self._start is not None

    def stop(self, in_the_way: Callable[[], str]) -> None:
        """Stop the portal. in_the_way: what says that one still serves. Raises StartFailed."""
        if self._stop and in_the_way():
            with step("Stopping the portal", "Stopped the portal"):
                run_command(self._stop)
        if reason := in_the_way():
            raise StartFailed("{reason} For an upgrade, stop the portal first, or say how with --stop.", reason=reason)

    def stop_quietly(self) -> None:
        if self._stop:
            with suppress(PortalError):
                run_command(self._stop)

    def check(self, root: Path, address: str) -> None:
        """Start a release and wait until it is ready. Raises StartFailed."""
        with step("Starting the portal and waiting until it is ready", "The portal is ready"):
            if self._start:
                run_command(self._start)
                wait_until_ready(address, self._wait_s)
                return
            with started(root, self._log) as child:
                wait_until_ready(address, self._wait_s, child)


def _upgrade(paths: Paths, service: Service, given: Path, *, force: bool) -> int:
    link = str(given.absolute()) if given.is_symlink() else None
    old = given.resolve()
    if not (old / "portal").is_file() or old == REPOSITORY:
        other = "{folder} is not the folder of another release. Type this in the new release's folder, with the old one's."
        raise StartFailed(other, folder=old)
    if not python_packages.has_environment(paths):
        raise StartFailed("Nothing is installed in {home}. Set PORTAL_HOME to the home of the portal that serves.", home=paths.home)
    if (last := environments.noted(paths)) and Path(last.new) == REPOSITORY:
        raise StartFailed("The last upgrade came to this folder already. ./portal rollback undoes it.")
    environments.clear(paths)
    new = environments.staged(paths)
    install_runtime(new)
    if doctor.examine(new) and not force:
        raise StartFailed("Nothing was changed. Do what the doctor says, or add --force, then try again.")
    facts = _show(new.python)
    service.stop(lambda: str(_show(new.python)["in_the_way"]))
    backup = paths.home / "backups" / f"before-upgrade-{datetime.now(UTC):%Y%m%d-%H%M%S}.backup"
    backup.parent.mkdir(mode=0o700, exist_ok=True)
    change = Change(old=str(old), new=str(REPOSITORY), revision=str(facts["revision"]), backup=str(backup), link=link)
    try:
        with step("Backing up with the old release", "Backed up"):
            ask(sys.executable, old, str(old / "portal"), "backup", str(backup), what="The backup")
        environments.note(paths, change)
        environments.swap_in(paths)
        with step("Migrating the database", f"Migrated the database from revision {facts['revision']} to {facts['expected']}"):
            ask(paths.python, REPOSITORY, *_DATABASE, "migrate", "head", what="The migration")
        _point(link, REPOSITORY)
        service.check(REPOSITORY, str(facts["address"]))
    except BaseException as problem:
        print(f"Bringing back the release in {old}: {problem or type(problem).__name__}", file=sys.stderr, flush=True)
        _bring_back(paths, service, change, str(facts["address"]))
        raise StartFailed(
            "The upgrade failed, and the release in {old} is back with all data. {reason} Details are in {log}; the backup is {backup}.",
            old=old,
            reason=problem or type(problem).__name__,
            log=paths.home / "logs",
            backup=backup,
        ) from problem
    print(f"Upgraded. The backup is {backup}; ./portal rollback returns to {old}.")
    if not service.starts:
        print(f"Start it: {link or REPOSITORY}/portal run")
    return 0


def _rollback(paths: Paths, service: Service) -> int:
    change = environments.noted(paths)
    if change is None:
        raise StartFailed("There is no upgrade in {home} that could be undone.", home=paths.home)
    facts = _show(environments.newest(paths), Path(change.new))
    service.stop(lambda: str(_show(environments.newest(paths), Path(change.new))["in_the_way"]))
    _bring_back(paths, service, change, str(facts["address"]))
    print(f"The release in {change.old} is back, with all data.")
    if not service.starts:
        print(f"Start it: {change.link or change.old}/portal run")
    return 0


def _bring_back(paths: Paths, service: Service, change: Change, address: str) -> None:
    """Undo an upgrade, wherever it stopped. Raises StartFailed."""
    service.stop_quietly()
    if environments.noted(paths):
        with step(f"Returning the database to revision {change.revision}", f"The database is at revision {change.revision}"):
            ask(environments.newest(paths), Path(change.new), *_DATABASE, "migrate", change.revision, what="Returning the database")
        environments.swap_back(paths)
    _point(change.link, Path(change.old))
    service.check(Path(change.old), address)


def _show(python: Path, root: Path = REPOSITORY) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(ask(python, root, *_DATABASE, "show", what="Looking at the database"))
    return facts


def _point(link: str | None, folder: Path) -> None:
    """Let a link lead to a release's folder, in one step."""
    if link and Path(link).resolve() != folder:
        fresh = Path(f"{link}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(folder)
        fresh.replace(link)
