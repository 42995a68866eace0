"""Keep the environments of two releases in one home: the one that serves, and the one before it.

An environment may be moved: the portal starts its Python by path, and none of its scripts.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.paths import Paths

_PARTS = ("venv", "engine.json")
"""The environment, and what was found when its llama.cpp was tested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An upgrade that began. old, new: folders of the releases; revision: of the database before; link: what pointed to `old`."""

    old: str
    new: str
    revision: str
    backup: str
    link: str | None


def staged(paths: Paths) -> Paths:
    """Return where the next environment is installed while the portal still runs."""
    return Paths(paths.home / "upgrade", paths.cache)


def clear(paths: Paths) -> None:
    """Forget the environment before the last upgrade, and one that was staged."""
    shutil.rmtree(_before(paths), ignore_errors=True)
    shutil.rmtree(staged(paths).home, ignore_errors=True)


def note(paths: Paths, change: Change) -> None:
    """Write down what an upgrade is about to change, so that it can be undone after a crash too."""
    _before(paths).mkdir(parents=True, exist_ok=True)
    unfinished = _note(paths).with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(change), indent=1), "utf-8")
    unfinished.replace(_note(paths))


def noted(paths: Paths) -> Change | None:
    """Return the last upgrade, unless it was undone."""
    try:
        return Change(**json.loads(_note(paths).read_text("utf-8")))
    except FileNotFoundError:
        return None


def swap_in(paths: Paths) -> None:
    """Keep the environment that served, and put the staged one in its position."""
    for name in _PARTS:
        if (paths.home / name).exists():
            (paths.home / name).rename(_before(paths) / name)
        if (staged(paths).home / name).exists():
            (staged(paths).home / name).rename(paths.home / name)
    shutil.rmtree(staged(paths).home, ignore_errors=True)


def swap_back(paths: Paths) -> None:
    """Undo `swap_in`, wherever it was interrupted, and forget the upgrade."""
    for name in _PARTS:
        if (_before(paths) / name).exists():
            _remove(paths.home / name)
            (_before(paths) / name).rename(paths.home / name)
    clear(paths)


def newest(paths: Paths) -> Path:
    """Return the Python of the newer release, also while it is staged."""
    waiting = staged(paths).python
    return waiting if waiting.exists() else paths.python


def _before(paths: Paths) -> Path:
    return paths.home / "before-upgrade"


def _note(paths: Paths) -> Path:
    return _before(paths) / "upgrade.json"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
