"""Find what an installation archive holds beside the source: wheels, and a compiled llama.cpp.

`./portal bundle` makes such an archive. Where it is unpacked, `bundle.json` lies in the repository, and installation needs no network.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.paths import REPOSITORY
from core.errors import StartFailed

MANIFEST = "bundle.json"
WHEELS = "wheels"
ENGINES = "engine"
"""The folder of compiled llama.cpp in WHEELS, with a folder for each build."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An unpacked archive. locks: the names of the lists whose packages it has; engine: the key of the build; files: path to SHA-256."""

    root: Path
    version: str
    python: str
    machine: str
    libc: str
    locks: tuple[str, ...]
    engine: str
    files: dict[str, str]
    digest: str
    """Identifies the manifest, and so the archive."""

    def check(self) -> None:
        """Raises StartFailed if the archive is for another machine, or if a file of it that runs was damaged or changed."""
        if self.machine != platform.machine() or self.python != PYTHON:
            raise StartFailed(
                "This archive was made for Python {python} on {machine}; here is Python {here} on {this}. Type python{python} ./portal run "
                "here, or make an archive on a machine like this one.",
                python=self.python,
                machine=self.machine,
                here=PYTHON,
                this=platform.machine(),
            )
        if _release(self.libc) > _release(libc()):
            raise StartFailed(
                "This archive was made on a newer system ({theirs}; here is {ours}). Make it on this system or an older one.",
                theirs=self.libc,
                ours=libc(),
            )
        damaged = [name for name, digest in self.files.items() if _runs(name) and sha256(self.root / name) != digest]
        if damaged:
            raise StartFailed(
                "{count} files of the archive are missing or differ from it, first {first}. Unpack the archive again into an empty folder.",
                count=len(damaged),
                first=damaged[0],
            )

    def options(self, lock: Path) -> list[str]:
        """Return pip's options for a list; none if the archive does not have its packages."""
        return ["--no-index", f"--find-links={self.root / WHEELS}"] if lock.name in self.locks else []

    def engine_wheel(self) -> Path | None:
        """Return the compiled llama.cpp."""
        return next((self.root / WHEELS / ENGINES / self.engine).glob("*.whl"), None)


def read_bundle(root: Path = REPOSITORY) -> Bundle | None:
    """Read the manifest of the archive that this repository was unpacked from; None if it was not. Raises StartFailed."""
    try:
        text = (root / MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    try:
        facts = json.loads(text)
        return Bundle(
            root=root,
            version=facts["version"],
            python=facts["python"],
            machine=facts["machine"],
            libc=facts["libc"],
            locks=tuple(facts["locks"]),
            engine=facts["engine"],
            files=dict(facts["files"]),
            digest=hashlib.sha256(text).hexdigest()[:16],
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise StartFailed("{path} is damaged. Unpack the archive again into an empty folder.", path=root / MANIFEST) from problem


def pip_options(lock: Path) -> list[str]:
    """Return pip's options for a list in this repository: from the archive if it has the list, else from the package index."""
    bundle = read_bundle()
    return bundle.options(lock) if bundle else []


def libc() -> str:
    return " ".join(platform.libc_ver())


def sha256(path: Path) -> str:
    """Return the digest of a file, or an empty text if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _runs(name: str) -> bool:
    """Tell whether a file is installed or run here: those in deploy/ and docs/ may be edited."""
    return not name.startswith(("deploy/", "docs/"))


def _release(libc_name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in libc_name.rpartition(" ")[2].split(".") if part.isdigit())
