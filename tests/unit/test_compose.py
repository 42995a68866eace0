"""The portal and its servers understand deploy/compose.yaml. Starting the images is not tested here."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

import settings

DEPLOY = Path(__file__).parents[2] / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GIVEN = {
    "PORTAL_ALLOWED_HOSTS": "portal.example",
    "POSTGRES_PASSWORD": "1f2e3d",
    "ELASTIC_PASSWORD": "4a5b6c",
    "PORTAL_ADMIN_PASSWORD": "correct horse",
    "PORTAL_MASTER_KEY": b64encode(b"k" * 32).decode(),
    "GRAFANA_PASSWORD": "7c8d9e",
}


def environment(service: str) -> dict[str, str]:
    """Fill in the values of the env file, as compose does."""
    given = SERVICES[service]["environment"]
    return {name: re.sub(r"\$\{(\w+):\?\}", lambda found: GIVEN[found[1]], value) for name, value in given.items()}


def test_the_portal_accepts_its_settings_and_they_name_the_servers_beside_it(tmp_path: Path) -> None:
    found = settings.load({"PORTAL_HOME": str(tmp_path), **environment("portal")})
    assert settings.master_key(found) == b"k" * 32 and found.secure_cookie and not found.embedded
    assert "portal.example" in found.own_hosts
    postgres = environment("postgres")
    user, password, name = (postgres[f"POSTGRES_{each}"] for each in ("USER", "PASSWORD", "DB"))
    assert found.database_url == f"postgresql://{user}:{password}@postgres:5432/{name}"
    assert found.elasticsearch_url == f"http://elastic:{environment('elasticsearch')['ELASTIC_PASSWORD']}@elasticsearch:9200"
    assert found.host == "127.0.0.1" and SERVICES["nginx"]["network_mode"] == "service:portal"


def test_every_value_comes_from_the_env_file_and_is_empty_in_the_example() -> None:
    example = (DEPLOY / "env.example").read_text("utf-8")
    lines = [line for line in example.splitlines() if line and not line.startswith("#")]
    assert set(lines) == {f"{name}=" for name in GIVEN}
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT)) == set(GIVEN)
    ignored = (DEPLOY.parent / ".gitignore").read_text("utf-8").splitlines()
    assert "deploy/.env" in ignored and "deploy/.env" in (DEPLOY.parent / ".dockerignore").read_text("utf-8").splitlines()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_pinned_watched_and_restarted(service: str) -> None:
    described = SERVICES[service]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", described["image"])
    assert described["restart"] == "unless-stopped" and {"test", "interval", "timeout", "retries"} <= set(described["healthcheck"])
    for needed, how in described.get("depends_on", {}).items():
        assert needed in SERVICES and how["condition"] == "service_healthy"


def test_what_must_survive_lies_in_named_volumes() -> None:
    kept = {service: [each.partition(":") for each in SERVICES[service]["volumes"]] for service in SERVICES}
    named = {volume for mounted in kept.values() for volume, _, _ in mounted if not volume.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert kept["portal"][0][2] == "/data" and "PORTAL_HOME=/data" in dockerfile


def test_nginx_finds_its_site_and_its_certificate() -> None:
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert "server 127.0.0.1:8501;" in site and "listen 443 ssl" in site
    mounted = dict(each.removesuffix(":ro").split(":") for each in SERVICES["nginx"]["volumes"])
    assert mounted == {"./nginx.conf": "/etc/nginx/conf.d/default.conf", "./tls": "/etc/ssl/portal"}
    assert {"/etc/ssl/portal/certificate.pem", "/etc/ssl/portal/key.pem"} <= set(re.findall(r"/etc/ssl/portal/[\w.]+", site))


def test_elasticsearch_is_the_version_the_tests_run_against() -> None:
    tested = re.search(r"<elasticsearch.version>(.+?)<", (DEPLOY.parent / "samples/servers/elasticsearch/pom.xml").read_text("utf-8"))
    assert tested is not None and SERVICES["elasticsearch"]["image"].endswith(f":{tested[1]}")


def test_monitoring_starts_only_when_it_is_asked_for_and_finds_its_files() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {"prometheus", "grafana"}
    for name in ("prometheus", "grafana"):
        for source in (each.split(":")[0] for each in SERVICES[name]["volumes"]):
            assert not source.startswith(".") or (DEPLOY / source).exists(), source
    scraped = yaml.safe_load((DEPLOY / "monitoring/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert scraped[0]["static_configs"][0]["targets"] == ["127.0.0.1:8501"] and SERVICES["prometheus"]["network_mode"] == "service:portal"
    grafana = yaml.safe_load((DEPLOY / "monitoring/grafana/provisioning/datasources/prometheus.yaml").read_text("utf-8"))
    assert grafana["datasources"][0]["url"] == "http://portal:9090"
