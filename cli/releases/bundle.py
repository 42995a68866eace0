"""Run ./portal bundle: make one archive that installs the portal on a machine without network."""

from __future__ import annotations

import argparse
import io
import json
import platform
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cli.environment import engine, python_packages
from cli.environment.offline import ENGINES, MANIFEST, PYTHON, WHEELS, libc, pip_options, read_bundle, sha256
from cli.paths import REPOSITORY, Paths
from cli.progress import run, step
from core.errors import StartFailed

EXTRAS = {
    "identity": python_packages.IDENTITY, "pdf": python_packages.PDF, "redis": python_packages.REDIS, "cuda": python_packages.CUDA,
}  # fmt: skip
"""What --with takes. cuda: cuBLAS, for a CUDA toolkit that comes without it."""
ALWAYS = (python_packages.RUN, python_packages.BUILD, python_packages.ENGINE)


def main(paths: Paths, arguments: Sequence[str]) -> int:
    """Make the archive. The environment is installed already. Raises StartFailed."""
    asked = _parser().parse_args(arguments)
    version = project_version(REPOSITORY)
    target: Path = asked.file or Path(f"glm-portal-{version}-{platform.machine()}-python{PYTHON}.tar.gz")
    locks = [*ALWAYS, *(EXTRAS[name] for name in dict.fromkeys(asked.extras))]
    files = files_of_source(REPOSITORY)
    wheel = engine.installed_wheel(paths)
    files[f"{WHEELS}/{ENGINES}/{wheel.parent.name}/{wheel.name}"] = wheel
    with tempfile.TemporaryDirectory(prefix="bundle-", dir=paths.home) as folder:
        files |= {f"{WHEELS}/{path.name}": path for path in download(paths, Path(folder), locks)}
        with step("Writing the archive", "Wrote the archive"):
            write_archive(target.absolute(), files, version=version, locks=[lock.name for lock in locks], key=wheel.parent.name)
    print(f"{target}: {target.stat().st_size / 1e6:,.0f} MB, {len(files):,} files\nSHA-256 {sha256(target)}")
    print(f"There: tar xzf {target.name} && cd {_folder(version)} && ./portal run")
    return 0


def _parser() -> argparse.ArgumentParser:
    about = "Make one archive with the source, every package and the compiled llama.cpp, for machines without network."
    parser = argparse.ArgumentParser(prog="./portal bundle", description=about)
    parser.add_argument("file", type=Path, nargs="?", help="the archive; by default named by version and platform, in this folder")
    parser.add_argument(
        "--with", dest="extras", action="append", choices=tuple(EXTRAS), default=[], help="packages of an extra; may be repeated"
    )
    return parser


def project_version(root: Path) -> str:
    version: str = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    return version


def download(paths: Paths, folder: Path, locks: Sequence[Path]) -> list[Path]:
    """Download the packages of all lists for this platform, each checked against its hash. Raises StartFailed."""
    tools, wheels = folder / "tools", folder / WHEELS
    with step("Installing the build tools", "Installed the build tools"):
        # llama-cpp-python comes as source, which pip reads with them.
        run([sys.executable, "-m", "venv", tools], paths.log)
        python_packages.pip_install(tools / "bin" / "python", paths.log, python_packages.BUILD)
    for lock in locks:
        with step(f"Downloading the packages of {lock.name}", f"Downloaded the packages of {lock.name}"):
            options = ["--no-input", "--disable-pip-version-check", "--progress-bar=off", "--no-deps", "--no-build-isolation"]
            command: list[str | Path] = [tools / "bin" / "python", "-m", "pip", "download", *options, *pip_options(lock)]
            run([*command, "--require-hashes", "-r", lock, "-d", wheels], paths.log)
    return sorted(wheels.iterdir())


def files_of_source(root: Path) -> dict[str, Path]:
    """Return the files that belong to the source: what git knows, or what the archive brought that this folder was unpacked from.

    Nothing else gets into an archive: certificates and passwords lie in `deploy/` too. Raises StartFailed.
    """
    if (root / ".git").exists():
        asked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
        names = [name for name in asked.stdout.decode().split("\0") if name] if asked.returncode == 0 else []
    elif bundle := read_bundle(root):
        names = [name for name in bundle.files if not name.startswith(f"{WHEELS}/")]
    else:
        names = []
    if not names:
        raise StartFailed(
            "{root} is neither a git checkout nor unpacked from such an archive, so what belongs to the source is not known. Clone the "
            "repository with git, then try again.",
            root=root,
        )
    return {name: root / name for name in names if (root / name).is_file()}


def write_archive(target: Path, files: dict[str, Path], *, version: str, locks: Sequence[str], key: str) -> None:
    """Write the files and their manifest; the archive gets its name when it is complete."""
    manifest = {
        "version": version,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": PYTHON,
        "machine": platform.machine(),
        "libc": libc(),
        "locks": list(locks),
        "engine": key,
        "files": {name: sha256(path) for name, path in sorted(files.items())},
    }
    text = json.dumps(manifest, indent=1).encode()
    unfinished = target.with_name(f"{target.name}.new")
    try:
        # Wheels are compressed already; more than the lowest level costs minutes and saves little.
        with tarfile.open(unfinished, "w:gz", compresslevel=1) as archive:
            listed = tarfile.TarInfo(f"{_folder(version)}/{MANIFEST}")
            listed.size, listed.mtime = len(text), int(datetime.now(UTC).timestamp())
            archive.addfile(listed, io.BytesIO(text))
            for name, path in sorted(files.items()):
                archive.add(path, f"{_folder(version)}/{name}", recursive=False, filter=_of_nobody)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _folder(version: str) -> str:
    return f"glm-portal-{version}"


def _of_nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who made the archive."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
