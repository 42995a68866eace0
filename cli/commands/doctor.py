"""Run ./portal doctor: show every part, its state, its version, and what to do. Works even before installation."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from cli.commands.finding import Finding
from cli.environment import engine, engine_build, python_packages, system_packages
from cli.paths import REPOSITORY, Paths
from cli.progress import mark
from core.errors import PortalError

_ENOUGH_DISK = 2 * 1024**3
"""Free bytes needed under the home: an environment takes 0.8 GB, the rest is for the database."""


def examine(paths: Paths) -> int:
    """Print a line per part as soon as its state is known. Returns 1 if anything is broken."""
    broken = 0
    for finding in _findings(paths):
        broken += finding.good is False
        print(f"{mark(finding.good)} {finding.part:<16} {finding.state}", flush=True)
        if finding.advice:
            print(f"{'':<19}{finding.advice}", flush=True)
    print(f"\n{broken} part{'s need' if broken > 1 else ' needs'} attention." if broken else "\nEverything is in order.")
    return 1 if broken else 0


def _findings(paths: Paths) -> Iterator[Finding]:
    yield Finding(part="Python", good=True, state=f"{sys.version.split()[0]} at {sys.executable}")
    yield _home(paths)
    yield from _gpu()
    if not python_packages.has_environment(paths):
        yield Finding(
            part="Environment", good=False, state=f"not installed in {paths.venv}", advice="Run ./portal run to install everything."
        )
        missing = [*system_packages.missing_venv(), *system_packages.missing_compiler()]
        if missing:
            yield Finding(
                part="System packages",
                good=False,
                state=f"missing: {' '.join(missing)}",
                advice=f"Type: sudo apt-get install -y {' '.join(missing)}",
            )
        return
    yield from _packages(paths)
    yield from _engine(paths)
    yield from _inside(paths)


def _home(paths: Paths) -> Finding:
    try:
        paths.prepare()
    except PortalError as problem:
        return Finding(part="PORTAL_HOME", good=False, state=str(paths.home), advice=str(problem))
    free = shutil.disk_usage(paths.home).free
    advice = "" if free >= _ENOUGH_DISK else "Free space on this disk, or set PORTAL_HOME to a folder on another."
    return Finding(part="PORTAL_HOME", good=not advice, state=f"{paths.home}, {free / 1e9:,.1f} GB free", advice=advice)


def _gpu() -> Iterator[Finding]:
    found = engine_build.gpus()
    for gpu in found:
        memory = float(gpu["memory.total"]) / 1024
        yield Finding(
            part="GPU",
            good=True,
            state=f"{gpu['name']}, {memory:,.0f} GiB, driver {gpu['driver_version']}, capability {gpu['compute_cap']}",
        )
    if not found:
        yield Finding(part="GPU", good=None, state="none found by nvidia-smi; the CPU is used")


def _packages(paths: Paths) -> Iterator[Finding]:
    """Compare the installed packages with the pinned ones."""
    script = "import json, importlib.metadata as m; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
    asked = subprocess.run([paths.python, "-c", script], capture_output=True, text=True, check=False)
    reinstall = f"Remove {paths.venv}, then run ./portal run."
    if asked.returncode:
        yield Finding(part="Environment", good=False, state=f"{paths.venv} does not start", advice=reinstall)
        return
    installed = {_normal(name): version for name, version in json.loads(asked.stdout)}
    pinned = {_normal(name): version for name, version in python_packages.pins(python_packages.RUN).items()}
    for name in map(_normal, python_packages.only_on_some_systems(python_packages.RUN)):
        if name not in installed:
            del pinned[name]
    wrong = [name for name, version in pinned.items() if installed.get(name) != version]
    for name in wrong:
        yield Finding(part=name, good=False, state=f"{installed.get(name, 'not installed')}, pinned {pinned[name]}", advice=reinstall)
    if not wrong:
        main = ", ".join(f"{name} {pinned[name]}" for name in ("streamlit", "sqlalchemy", "elasticsearch", "pandas", "plotly"))
        yield Finding(part="Environment", good=True, state=f"{len(pinned)} packages as pinned: {main} and more")


def _engine(paths: Paths) -> Iterator[Finding]:
    version = python_packages.pins(python_packages.ENGINE)["llama-cpp-python"]
    try:
        wanted = engine_build.wanted()
    except PortalError as problem:
        yield Finding(part="llama.cpp", good=False, state=f"llama-cpp-python {version}", advice=str(problem))
        return
    if engine.installed_key(paths) != wanted.key:
        yield Finding(
            part="llama.cpp", good=False, state="not built for this machine yet", advice="Run ./portal run to build and test it."
        )
        return
    trial = engine.try_decode(paths, extra_buffers=engine.tried_extra_buffers(paths))
    if not trial.ok:
        advice = f"Remove {paths.engine_trial_result}, then run ./portal run: it tests what else this machine can do."
        yield Finding(part="llama.cpp", good=False, state=f"llama-cpp-python {version}: {trial.complaint}.", advice=advice)
        return
    facts = [f"llama-cpp-python {version}", f"device {trial.device}", "one decode worked"]
    if not trial.extra_buffers:
        facts.append("without extra buffers (this host does not allow AMX)")
    yield Finding(part="llama.cpp", good=True, state=", ".join(facts))


def _normal(name: str) -> str:
    """Normalize a package name as package indexes do."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _inside(paths: Paths) -> Iterator[Finding]:
    """Run the checks that need the portal's own code in a child process, so that a crash in it is one line here."""
    environment = {**os.environ, **engine_build.library_path(paths)}
    command = [str(paths.python), "-m", "cli.commands.inspection"]
    asked = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    for line in asked.stdout.splitlines():
        yield Finding(**json.loads(line))
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        yield Finding(part="Portal", good=False, state=f"its checks stopped: {last}", advice="Run ./portal run and read its messages.")
