"""Third-party clients, unchanged, against a portal process with the built-in model: each program of tests/programs runs to its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.portal_parts.portal import Measured, running_portal
from samples.servers.missing import missing
from samples.servers.node import environment as with_node
from samples.servers.node import node
from samples.servers.program_clients import client_python, node_folder
from samples.small_model import small_model

PROGRAMS = Path(__file__).parents[1] / "programs"
OWN = ("openai_python", "anthropic_python")
"""Programs whose clients the portal's own environment has."""
OLDER = ("use_litellm", "use_llama_index")
"""Programs whose clients need an earlier release of OpenAI's client."""
WAIT_S = 300


@pytest.fixture(scope="module")
def portal() -> Iterator[Measured]:
    with running_portal() as running:
        yield running


@pytest.fixture(scope="module")
def environment(portal: Measured) -> dict[str, str]:
    """Return what each program reads: the address, an API key, a model."""
    with portal.sign_in() as person:
        key = person.post("/api/v1/keys", json={"name": "clients", "scopes": ["chat"]}).raise_for_status().json()["token"]
    return {**os.environ, "PORTAL": portal.url, "PORTAL_KEY": key, "PORTAL_MODEL": "guide"}


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("program", sorted(path.name for path in PROGRAMS.glob("*.mjs")))
def test_a_program_in_javascript(program: str, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(node_folder() / "node_modules")
    shutil.copy(PROGRAMS / program, tmp_path)
    run([str(node()), program], tmp_path, environment)


@pytest.mark.parametrize("program", sorted(path.name for path in PROGRAMS.glob("*.py") if path.stem != "__init__"))
def test_a_program_in_python(program: str, environment: dict[str, str], tmp_path: Path) -> None:
    name = Path(program).stem
    python = sys.executable if name in OWN else str(client_python("clients-older.txt" if name in OLDER else "clients.txt"))
    # Copied: beside the others, a program would import them in place of packages of the same name.
    shutil.copy(PROGRAMS / program, tmp_path / "program.py")
    run([python, "program.py"], tmp_path, environment)


def test_curl(environment: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        missing("curl is not installed: apt-get install curl")
    run(["bash", str(PROGRAMS / "curl.sh")], tmp_path, environment)


def test_a_coding_assistant(tmp_path: Path) -> None:
    """The model is a real one: an assistant sends thousands of tokens of instructions and tools, more than the guide's context."""
    clients = node_folder()
    with running_portal(PORTAL_MODEL=str(small_model()), PORTAL_CONTEXT="8192", PORTAL_SLOTS="1") as portal:
        with portal.sign_in() as person:
            key = person.post("/api/v1/keys", json={"name": "assistant", "scopes": ["chat"]}).raise_for_status().json()["token"]
            [model] = [each["id"] for each in person.get("/v1/models").json()["data"]]
        path = f"{clients / 'node_modules' / '.bin'}:{with_node()['PATH']}"
        own = {"PORTAL": portal.url, "PORTAL_KEY": key, "PORTAL_MODEL": model, "PATH": path, "HOME": str(tmp_path)}
        run(["bash", str(PROGRAMS / "coding_assistant.sh")], tmp_path, {**os.environ, **own})
