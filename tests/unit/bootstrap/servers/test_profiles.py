"""The parts of a server by its profile, and the modules that it therefore never imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import settings
from api.application import FILES_PATH, build
from api.portal.knowledge import files
from bootstrap.servers.profiles import profile_of
from cli.paths import REPOSITORY
from core.errors import StartFailed
from settings import Settings

LOADED = """
import sys, app
app.load_own_pages()
print(" ".join(sys.modules))
"""


def loaded(home: Path, **more: str) -> set[str]:
    """Names of the modules in a process that has loaded app.py and its pages."""
    environment = {"PORTAL_HOME": str(home), **more}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


def never() -> None:
    raise AssertionError("describing the routes needs no portal")


def test_without_a_profile_everything_is_served(tmp_path: Path) -> None:
    profile = profile_of(Settings(home=tmp_path))
    assert profile.name == "all" and profile.pages is None and profile.routes is None


@pytest.mark.parametrize(("profile", "port"), [("all", 8501), ("admin", 7860)])
def test_each_profile_has_a_port_unless_one_is_set(tmp_path: Path, profile: str, port: int) -> None:
    given = {"PORTAL_HOME": str(tmp_path), "PORTAL_PROFILE": profile}
    assert settings.load(given).port == port
    assert settings.load({**given, "PORTAL_PORT": "9000"}).port == 9000


def test_pages_and_routes_that_are_left_out_are_not_imported(tmp_path: Path) -> None:
    modules = loaded(tmp_path, PORTAL_PAGES="chat,usage", PORTAL_ROUTES="session,files")
    assert {"pages.chat.chat", "pages.usage.usage", "api.portal.people.sessions", "api.portal.knowledge.files"} <= modules
    left_out = {
        *("pages.models.models", "pages.system.people", "pages.system.audit"),
        *("api.portal.people.people", "api.openai.chat_routes", "api.monitoring.metrics_routes"),
    }
    assert left_out & modules == set()


def test_the_start_page_cannot_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="PORTAL_PAGES must include chat"):
        profile_of(Settings(home=tmp_path, pages="usage"))


def test_a_page_may_be_named_by_its_former_path(tmp_path: Path) -> None:
    assert profile_of(Settings(home=tmp_path, pages="chat,feedback")).pages == {"chat", "cases"}


def test_an_unknown_group_of_routes_is_named() -> None:
    with pytest.raises(StartFailed, match="PORTAL_ROUTES names sesion"):
        build(never, {"sesion"})  # type: ignore[arg-type]


def test_an_unknown_page_is_named() -> None:
    from pages.shell import navigation

    with pytest.raises(StartFailed, match="PORTAL_PAGES names chta"):
        navigation.load({"chta"})


def test_only_the_chosen_routes_and_health_are_there() -> None:
    app = build(never, {"session"})  # type: ignore[arg-type]
    paths = set(app.openapi()["paths"])
    assert {"/api/v1/session", "/healthz"} <= paths
    assert not any(path.startswith(("/api/v1/people", "/v1/", "/metrics")) for path in paths)


def test_the_path_of_large_bodies_is_that_of_the_files() -> None:
    assert FILES_PATH == files.PATH
