"""A real OpenID Connect provider (npm oidc-provider), and a browser's way through its pages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx

from samples.servers.missing import missing
from samples.servers.node import environment, node, npm
from samples.servers.ports import free_port

_SOURCES = Path(__file__).parent / "oidc"
_CACHE = Path.home() / ".cache" / "glm-portal-tests" / "oidc"


class OidcServer:
    """A provider for one portal. `people`: claims by login."""

    client_id, client_secret = "portal", "secret-of-the-portal"

    def __init__(self, portal_address: str, folder: Path) -> None:
        self._file = folder / "claims.json"
        self.people: dict[str, dict[str, Any]] = {}
        self.save()
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        command = [str(node()), str(_installed() / "provider.mjs"), str(port), portal_address, str(self._file)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while not self._ready():
            assert self._process.poll() is None and time.monotonic() < until, "the provider did not start"
            time.sleep(0.05)

    def save(self) -> None:
        self._file.write_text(json.dumps(self.people))

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def sign_in(self, browser: httpx.Client, start: str, login: str) -> str:
        """Go through the provider's pages; returns the address at which it sends the browser back."""
        answer = browser.get(start)
        for _ in range(20):
            if answer.is_redirect:
                address = answer.headers["location"]
                if "/api/v1/oidc/callback" in address:
                    return str(address)
                answer = browser.get(httpx.URL(self.issuer).join(address))
                continue
            [action] = re.findall(r'<form [^>]*action="([^"]+)"', answer.text)
            [prompt] = re.findall(r'name="prompt" value="(\w+)"', answer.text)
            data = {"prompt": prompt, **({"login": login, "password": "any"} if prompt == "login" else {})}
            answer = browser.post(httpx.URL(self.issuer).join(action), data=data)
        raise AssertionError("the provider never sent the browser back")

    def log_out(self, browser: httpx.Client) -> None:
        """Log out at the provider, which tells the portal."""
        page = browser.get(f"{self.issuer}/session/end").text
        [xsrf] = re.findall(r'name="xsrf" value="([^"]+)"', page)
        browser.post(f"{self.issuer}/session/end/confirm", data={"xsrf": xsrf, "logout": "yes"})

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def _installed() -> Path:
    _CACHE.mkdir(parents=True, exist_ok=True)
    for source in _SOURCES.iterdir():
        shutil.copy(source, _CACHE)
    if not (_CACHE / "node_modules" / "oidc-provider").exists():
        command = [*npm(), "install", "--no-audit", "--no-fund"]
        found = subprocess.run(command, cwd=_CACHE, env=environment(), capture_output=True, text=True)
        if found.returncode:
            missing(f"the OpenID Connect provider cannot be installed: {found.stderr[-300:]}")
    return _CACHE
