"""Check settings, database, search index, models and port inside the environment, for the doctor. Prints one JSON line per finding."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import settings as portal_settings
from bootstrap.models import GUIDE, newest_crash
from bootstrap.store import open_store
from cli.commands.finding import Finding
from cli.serving.serve import address, listen
from core.errors import PortalError
from core.file_sizes import size_of
from core.search.records import DocumentKind, SearchQuery
from settings import Settings

ANSWER_S = 5.0
"""Seconds that the program on the port may take to answer whether it is the portal."""

def main() -> int:
    try:
        settings = portal_settings.load()
    except PortalError as problem:
        _print_finding(Finding(part="Settings", good=False, state="cannot be used", advice=str(problem)))
        return 0
    for finding in _findings(settings):
        _print_finding(finding)
    return 0


def _findings(settings: Settings) -> Iterator[Finding]:
    yield Finding(part="Settings", good=True, state=f"as set in the environment and {settings.home / 'portal.yaml'}")
    yield from _store(settings)
    yield _models(settings)
    yield from _crashes(settings)
    yield _port(settings)


def _store(settings: Settings) -> Iterator[Finding]:
    engine = "Elasticsearch" if settings.elasticsearch_url else "embedded full-text search"
    if settings.embedded and not Path(settings.database.removeprefix("sqlite:///")).exists():
        file = settings.database.removeprefix("sqlite:///")
        yield Finding(part="Database", good=None, state=f"SQLite, {file}: created at the first start")
        yield Finding(part="Search index", good=None, state=f"{engine}: created at the first start")
        return
    try:
        with open_store(settings) as (state, worker, rejected, index):
            size = f"{state.size_bytes / 1e6:,.1f} MB"
            facts = [f"{state.kind} {state.version}", state.name, f"revision {state.revision or 'none'}", size]
            line = ", ".join(facts)
            if not state.known:
                yield Finding(
                    part="Database",
                    good=False,
                    state=line,
                    advice="A newer portal version wrote it. Install that version again, or restore an older backup.",
                )
                return
            if state.revision == state.expected:
                yield Finding(part="Database", good=True, state=line)
            else:
                yield Finding(part="Database", good=None, state=line, advice=f"The next start migrates it to revision {state.expected}.")
            if state.revision is None:
                return
            if index.engine == "none":
                off = f"off: the chats are encrypted, and {engine} would keep them readable"
                yield Finding(part="Search index", good=None, state=off, advice="See PORTAL_INDEX_PLAINTEXT in docs/settings.md.")
                return
            try:
                index.search(SearchQuery(text="portal", kind=DocumentKind.MESSAGE, owner_id=None, limit=1))
                pending, refused = worker.pending(), rejected.count()
                advice = ""
                if refused:
                    [first] = rejected.oldest(1)
                    advice = f"The first: {first.kind} {first.document_id}, {first.error}. POST /api/v1/index/parked/retry retries all."
                yield Finding(
                    part="Search index", good=not refused, state=f"{engine}, {pending:,} jobs waiting, {refused:,} rejected", advice=advice
                )
            except PortalError as problem:
                yield Finding(part="Search index", good=False, state=engine, advice=str(problem))
    except PortalError as problem:
        yield Finding(part="Database", good=False, state=settings.database.split("@")[-1], advice=str(problem))


def _models(settings: Settings) -> Finding:
    folder = settings.models_path
    files = sorted(folder.glob("**/*.gguf")) if folder.is_dir() else []
    total = sum(size_of(path) for path in files)
    chosen = Path(settings.model).expanduser() if settings.model else GUIDE
    if not chosen.exists():
        advice = "Set PORTAL_MODEL to an existing GGUF file, or remove it to use the built-in model."
        return Finding(part="Models", good=False, state=f"{chosen} is missing", advice=advice)
    return Finding(part="Models", good=True, state=f"{folder}: {len(files)} GGUF files, {total / 1e9:,.1f} GB; at startup {chosen.name}")


def _crashes(settings: Settings) -> Iterator[Finding]:
    """Return the newest native crash, unless a run has ended in order since."""
    crash = newest_crash(settings.home)
    if crash is not None and crash.in_a_row:
        what = f"model {crash.model} while {crash.doing} {crash.answers} answers" if crash.model else "no model was running"
        line = f"{crash.at:%Y-%m-%d %H:%M} UTC in native code, {what}: {crash.error}"
        advice = f"{settings.home / 'logs' / 'portal.log'} has the stack. PORTAL_ISOLATED=true keeps such a model from ending the portal."
        yield Finding(part="Last crash", good=None, state=line, advice=advice)


def _port(settings: Settings) -> Finding:
    """Tell whether the port is free, or used by a portal that reports its health."""
    try:
        with listen(settings.host, settings.port):
            return Finding(part="Port", good=True, state=f"{settings.host}:{settings.port} is free")
    except PortalError as problem:
        try:
            with urlopen(f"{address(settings)}/healthz", timeout=ANSWER_S) as answer:
                json.load(answer)
        except (URLError, OSError, ValueError):
            return Finding(part="Port", good=False, state=f"{settings.host}:{settings.port}", advice=str(problem))
        return Finding(part="Port", good=True, state=f"the portal answers at {address(settings)}")


def _print_finding(finding: Finding) -> None:
    print(json.dumps(asdict(finding)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
