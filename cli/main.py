"""Parse ./portal's command line and run the command."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cli.checks import checks
from cli.commands import doctor
from cli.commands.benches import find_benches
from cli.environment import python_packages
from cli.environment.engine_build import library_path
from cli.environment.fixes import failed
from cli.environment.install import install_runtime
from cli.paths import REPOSITORY, Paths
from cli.releases import bundle, upgrade
from core.errors import PortalError, StartFailed

_HELP = """\
GLM Portal: a chat portal over a GLM that runs in its own process.

  ./portal run                   install what is missing, then serve the portal
  ./portal run --profile user --server https://admin.example      only pages, for a portal that runs elsewhere
  ./portal worker [--port 9000]  only background jobs, beside a portal on PostgreSQL
  ./portal test [PYTEST ARGS]    install what tests need, then check and test everything
  ./portal user list             list everyone who may sign in
  ./portal user add NAME --role analyst|manager|admin [--full-name TEXT] [--group TEXT] [--generate]
  ./portal user passwd NAME [--generate]
  ./portal user role NAME analyst|manager|admin
  ./portal user key NAME [--scope SCOPE] [--days N] [--label TEXT]     make an API key
  ./portal user forget-factor NAME      remove the second factor
  ./portal user disable NAME     ends the sessions too; `enable` lets the person in again
  ./portal model list            known models, and what fits this machine
  ./portal model get NAME [--quantization Q8_0] [--hub modelscope]      download one
  ./portal model quantize FILE Q4_K_M   make a smaller file of an F16 or BF16 file
  ./portal backup FILE [--encrypt]      the whole database, even while the portal runs
  ./portal restore FILE [--dry-run]     into an empty database
  ./portal keys seal|rotate|rewrap      encryption at rest, see PORTAL_MASTER_KEY
  ./portal audit verify                 check that the audit log was not changed
  ./portal doctor                every part: its state, its version, and what to do
  ./portal bundle [FILE] [--with identity|pdf|redis|cuda]      one archive to install without network
  ./portal upgrade OLD_FOLDER    in the new version's folder: back up, migrate, start, check; back again if it fails
  ./portal rollback              return to the version before the upgrade, and keep the data
  ./portal demo [--pictures] [FOLDER]   record a video: a portal from nothing, and each role's story
  ./portal bench NAME [ARGS]     run a benchmark; without NAME, list them

Settings are environment variables: PORTAL_HOST, PORTAL_PORT, PORTAL_HOME and more, see docs/settings.md.
A password is prompted for, read from PORTAL_PASSWORD, or generated with --generate.
"""


_COMMANDS = (
    *("run", "worker", "test", "user", "model", "backup", "restore", "keys", "audit", "doctor"),
    *("bundle", "upgrade", "rollback", "demo", "bench"),
)


def main(arguments: Sequence[str]) -> int:
    paths = Paths.of(os.environ)
    try:
        with _ending_what_was_started():
            return _dispatch(paths, list(arguments))
    except PortalError as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as problem:
        print(failed(problem), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _dispatch(paths: Paths, arguments: list[str]) -> int:
    usage = f"./portal {' | '.join(_COMMANDS)} | --help"
    parser = argparse.ArgumentParser(prog="./portal", usage=usage, add_help=False)
    parser.add_argument("command", nargs="?", choices=(*_COMMANDS, "help"), default="help")
    parser.add_argument("-h", "--help", action="store_true")
    known = parser.parse_args(arguments[:1])
    rest = arguments[1:]
    if known.help or known.command == "help":
        print(_HELP, end="")
        return 0
    if known.command == "run":
        rest = _take_profile(rest)
    if rest and known.command in ("run", "doctor"):
        nothing_to_add = "./portal {command} takes no arguments. Settings are environment variables, see docs/settings.md."
        raise StartFailed(nothing_to_add, command=known.command)
    if known.command == "doctor":
        return doctor.examine(paths)
    if known.command == "test":
        return checks.run_all(paths, rest)
    if known.command == "bench" and not rest:
        print("./portal bench NAME, where NAME is one of: " + ", ".join(find_benches()))
        return 0
    if known.command == "bench" and rest[0] not in find_benches():
        raise StartFailed("There is no benchmark named {name}. Choose one of: {names}.", name=rest[0], names=", ".join(find_benches()))
    if known.command in ("upgrade", "rollback"):
        return upgrade.main(paths, [known.command, *rest])
    install_runtime(paths, with_engine=os.environ.get("PORTAL_PROFILE") != "user")
    if known.command == "bundle":
        return bundle.main(paths, rest)
    if known.command == "demo":
        python_packages.install(paths, python_packages.TEST, "the demo's packages")
        return enter(paths, "demo", [each if each.startswith("-") else str(Path(each).absolute()) for each in rest])
    if known.command == "bench":
        python_packages.install(paths, python_packages.TEST, "the benchmarks' packages")
        return enter(paths, find_benches()[rest[0]], rest[1:])
    if known.command in ("backup", "restore"):
        # Make the path absolute: the environment runs in the repository, wherever the command was typed.
        files = [each if each.startswith("-") else str(Path(each).absolute()) for each in rest]
        return enter(paths, "cli.commands.backup", [known.command, *files])
    modules = {
        "run": "cli.serving.serve", "user": "cli.commands.people", "model": "cli.commands.models", "keys": "cli.commands.keys",
        "audit": "cli.commands.audit", "worker": "cli.serving.worker",
    }  # fmt: skip
    return enter(paths, modules[known.command], rest)


def _take_profile(arguments: list[str]) -> list[str]:
    """Move --profile and --server into the environment variables, where settings are read; return the other arguments."""
    options = argparse.ArgumentParser(prog="./portal run", add_help=False, allow_abbrev=False)
    options.add_argument("--profile", choices=("all", "admin", "user"))
    options.add_argument("--server")
    given, rest = options.parse_known_args(arguments)
    for name, value in (("PORTAL_PROFILE", given.profile), ("PORTAL_SERVER", given.server)):
        if value:
            os.environ[name] = value
    return rest


def enter(paths: Paths, module: str, arguments: Sequence[str]) -> int:
    """Replace this process with a module inside the environment; does not return."""
    os.environ.update(library_path(paths))
    os.chdir(REPOSITORY)
    sys.stdout.flush()
    os.execv(paths.python, [str(paths.python), "-m", module, *arguments])


@contextmanager
def _ending_what_was_started() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the running child commands too, instead of leaving them behind."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
