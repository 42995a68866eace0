"""Tell or change the revision of the database, for an upgrade. Runs inside the environment of the newer release.

`show` prints one JSON object; `migrate head` and `migrate REVISION` change the database.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import settings as portal_settings
from bootstrap.servers.profiles import profile_of
from bootstrap.store import migrate_to, open_store
from cli.ending import ending
from cli.serving.serve import address, listen, only_portal
from core.errors import StartFailed
from settings import Settings


def main(arguments: Sequence[str]) -> int:
    def command() -> int:
        settings = portal_settings.load()
        if arguments[0] == "show":
            print(json.dumps(facts(settings)))
        else:
            migrate_to(settings, arguments[1])
        return 0

    return ending(command)


def facts(settings: Settings) -> dict[str, object]:
    """Return address, revisions, size, and what serves here. Raises StartFailed if this release cannot serve it."""
    if profile_of(settings).remote:
        raise StartFailed("A user server keeps no data. Stop it, and start the new version in its place.")
    if settings.embedded and not Path(settings.database.removeprefix("sqlite:///")).exists():
        raise StartFailed("There is no database in {home} yet. Type ./portal run here; there is nothing to upgrade.", home=settings.home)
    with open_store(settings) as (state, *_):
        if not state.known:
            raise StartFailed(
                "The database is of a newer version (revision {revision}) than this folder. Upgrade to that version or a later one.",
                revision=state.revision,
            )
        stopped = ""
        try:
            with only_portal(settings), listen(settings.host, settings.port):
                pass
        except StartFailed as problem:
            stopped = str(problem)
        return {
            "address": address(settings), "revision": state.revision, "expected": state.expected, "bytes": state.size_bytes,
            "in_the_way": stopped,
        }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
