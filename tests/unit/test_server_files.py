"""The portal, nginx and systemd understand deploy/servers and deploy/systemd. Starting the images is not tested here."""

from __future__ import annotations

import re
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

import settings
from bootstrap.servers.service_keys import service_keys
from samples.servers.missing import missing

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy/servers"
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
SITE = (DEPLOY / "nginx.conf").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GIVEN = {
    "PORTAL_NAME": "portal.example",
    "PORTAL_ADMIN_NAME": "admin.portal.example",
    "PORTAL_SERVICE_KEYS": "6b" * 32,
    "POSTGRES_PASSWORD": "1f2e3d",
    "PORTAL_ADMIN_PASSWORD": "correct horse",
    "PORTAL_MASTER_KEY": b64encode(b"k" * 32).decode(),
}


def settings_of(service: str, home: Path) -> settings.Settings:
    """Return the settings of a server, with the values of the env file filled in as compose does it."""
    given = SERVICES[service]["environment"]
    filled = {name: re.sub(r"\$\{(\w+):\?\}", lambda found: GIVEN[found[1]], value) for name, value in given.items()}
    return settings.load({"PORTAL_HOME": str(home), **filled})


def address(service: str) -> str:
    return str(SERVICES[service]["networks"]["servers"]["ipv4_address"])


def test_the_servers_accept_their_settings_and_know_each_other(tmp_path: Path) -> None:
    admin = settings_of("admin", tmp_path)
    assert (admin.profile, admin.port) == ("admin", 7860) and not admin.embedded and settings.master_key(admin) == b"k" * 32
    for service in ("user-1", "user-2"):
        user = settings_of(service, tmp_path)
        assert (user.profile, user.port) == ("user", 7861) and user.servers == ["http://admin:7860"] and "portal.example" in user.own_hosts
        assert service_keys(user)[0] in service_keys(admin)
        assert user.secure_cookie and user.proxies == admin.proxies == [address("nginx")]
        assert not {"PORTAL_DATABASE_URL", "PORTAL_MASTER_KEY"} & set(SERVICES[service]["environment"])
    assert {"admin", "admin.portal.example"} <= set(admin.own_hosts)
    assert admin.connections_per_address > 400, "a user server opens up to 400"


def test_user_servers_cannot_reach_the_database() -> None:
    assert set(SERVICES["postgres"]["networks"]) == {"database"}
    assert [service for service in SERVICES if "database" in SERVICES[service]["networks"]] == ["admin", "postgres"]
    assert [service for service in SERVICES if "ports" in SERVICES[service]] == ["nginx"]


def test_nginx_has_the_addresses_of_compose_everywhere() -> None:
    users = [f"{address(service)}:7861" for service in ("user-1", "user-2")]
    assert set(re.findall(r"server ([\d.]+:\d+)", SITE)) == {*users, f"{address('admin')}:7860"}
    maps = re.findall(r'"~([\d.\\]+:\d+)\$"\s+"portal_server=(\d);', SITE)
    assert [found.replace("\\", "") for found, _ in maps] == users and [number for _, number in maps] == ["1", "2"]
    groups = dict(re.findall(r"upstream (user_server_\d) \{\s+server ([\d.]+:\d+)", SITE))
    assert groups == {f"user_server_{number}": each for number, each in enumerate(users, 1)}
    assert re.findall(r"^\s+(\d)\s+(user_server_\d);", SITE, re.MULTILINE) == [("1", "user_server_1"), ("2", "user_server_2")]


def test_nginx_has_the_limits_of_the_portal_and_the_same_headers_everywhere() -> None:
    assert f"limit_conn portal {settings.Settings().connections_per_address};" in SITE
    assert f"client_max_body_size {settings.Settings().max_file_mb + 1}m;" in SITE and "ssl_protocols       TLSv1.3;" in SITE
    everywhere, for_websockets = re.findall(r"((?:^ *add_header (?!Set-Cookie).*\n)+)", SITE, re.MULTILINE)
    assert [line.strip() for line in everywhere.splitlines()] == [line.strip() for line in for_websockets.splitlines()]


def test_every_value_comes_from_the_env_file_and_is_empty_in_the_example() -> None:
    example = (DEPLOY / "env.example").read_text("utf-8")
    assert {line for line in example.splitlines() if line and not line.startswith("#")} == {f"{name}=" for name in GIVEN}
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT)) == set(GIVEN)
    for ignored in (".gitignore", ".dockerignore"):
        assert "deploy/servers/.env" in (ROOT / ignored).read_text("utf-8").splitlines()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_pinned_watched_restarted_and_keeps_what_must_survive(service: str) -> None:
    described = SERVICES[service]
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+(\.\d+)?", described["image"])
    assert described["restart"] == "unless-stopped" and {"test", "interval", "timeout", "retries"} <= set(described["healthcheck"])
    mounted = [each.partition(":")[0] for each in described["volumes"]]
    assert mounted == (["./nginx.conf", "./tls"] if service == "nginx" else [service]) and set(mounted) <= {*COMPOSE["volumes"], *mounted}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_every_unit(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        missing("The units' test needs systemd-analyze: apt-get install systemd")
    written = tmp_path / unit.name.replace("@", "@7861")
    text = unit.read_text("utf-8").replace("/opt/glm-portal", str(ROOT))
    written.write_text(text)
    checked = subprocess.run(["systemd-analyze", "verify", "--man=no", str(written)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and unit.stem.partition("@")[0] not in checked.stderr, checked.stderr
    [environment] = re.findall(r"^Environment=(.+)$", text, re.MULTILINE)
    names = {each.partition("=")[0].removeprefix("PORTAL_").lower() for each in environment.split() if each.startswith("PORTAL_")}
    assert names <= set(settings.descriptions())
