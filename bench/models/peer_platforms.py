"""Ask real model servers through the router: llama-server, the portal itself, and LiteLLM's proxy in front of both. `./portal bench
peer_platforms`

Needs no model besides the built-in one. The first run installs LiteLLM's proxy into a separate environment below the home.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.engine.peers import llama_server
from bench.engine_parts.sides import server
from bench.portal_parts.peer_checks import Checked, PeerChecks
from bench.portal_parts.portal import ROOT, Measured, portal_home, running_portal, table
from samples.servers.ports import free_port

GUIDE = ROOT / "models" / "guide" / "guide.gguf"
PROXY = "litellm[proxy]==1.108.7"
PROXY_KEY = "sk-peers"
START_S = 180


def proxy_command() -> list[str]:
    """Install LiteLLM's proxy if it is missing, and return the command that starts it."""
    folder = portal_home() / "clients" / f"proxy-{PROXY.rpartition('=')[2]}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", PROXY], check=True)
        (folder / "installed").touch()
    return [str(folder / "bin" / "litellm")]


@contextlib.contextmanager
def proxy(upstreams: dict[str, tuple[str, str, str]]) -> Iterator[str]:
    """Serve LiteLLM's proxy over (address, model, key) by name; yields its address."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        port = free_port()
        rows = "".join(
            f"- model_name: {name}\n  litellm_params: {{model: 'openai/{model}', api_base: '{url}', api_key: '{key or 'none'}'}}\n"
            for name, (url, model, key) in upstreams.items()
        )
        config = Path(folder) / "config.yaml"
        config.write_text(f"model_list:\n{rows}general_settings: {{master_key: {PROXY_KEY}}}\n", "utf-8")
        environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "DISABLE_ADMIN_UI": "True"}
        command = [*proxy_command(), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
            try:
                _wait(f"http://127.0.0.1:{port}/health/liveliness", process, Path(folder) / "log")
                yield f"http://127.0.0.1:{port}/v1"
            finally:
                process.terminate()
                process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"LiteLLM's proxy did not start:\n{log.read_text('utf-8')[-2000:]}")


def checked(url: str, model: str, key: str = "", *, calls: bool) -> list[Checked]:
    checks = PeerChecks(url, model, key, calls=calls)
    try:
        return checks.run()
    finally:
        checks.close()


def key_of(portal: Measured) -> str:
    with portal.sign_in() as person:
        token: str = person.post("/api/v1/keys", json={"name": "peers", "scopes": ["chat"]}).raise_for_status().json()["token"]
    return token


def main() -> None:
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(server(llama_server(), GUIDE, slots=4, context=1024, threads=1))
        llama = f"http://127.0.0.1:{one.port}/v1"
        portal = stack.enter_context(running_portal())
        key = key_of(portal)
        between = stack.enter_context(proxy({"llama": (llama, str(GUIDE), ""), "portal": (f"{portal.url}/v1", "guide", key)}))
        found = {
            "llama-server": checked(llama, str(GUIDE), calls=False),
            "the portal": checked(f"{portal.url}/v1", "guide", key, calls=True),
            "LiteLLM before llama-server": checked(between, "llama", PROXY_KEY, calls=False),
            "LiteLLM before the portal": checked(between, "portal", PROXY_KEY, calls=True),
        }
    names = [each.check for each in next(iter(found.values()))]
    rows = [[name, *("ok" if not checks[number].problem else "no" for checks in found.values())] for number, name in enumerate(names)]
    table("Real servers through the router", ["check", *found], rows)
    for peer, checks in found.items():
        for each in checks:
            if each.problem:
                print(f"{peer}, {each.check}: {each.problem}")
    if any(each.problem for checks in found.values() for each in checks):
        sys.exit(1)


if __name__ == "__main__":
    main()
