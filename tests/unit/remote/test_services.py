"""Everything that pages call is registered, and no registered method reveals secrets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.servers.profiles import PROFILES
from cli.paths import REPOSITORY
from core.errors import NotFound
from pages.shell.navigation import ENTRIES
from remote import methods, services
from remote.codec import Unfit
from remote.methods import Kind, method
from remote.services import BY_NAME, SERVICES
from tests.unit.test_import_direction import IMPORTS, MODULES

PAGES = sorted(Path(REPOSITORY, "pages").rglob("*.py"))
LOCAL = {
    "settings": {"home", "host", "port"},
    "turns": {"count"},
}
"""What a user server answers itself."""
ADMIN_ALONE = {"platforms": {"config"}}
"""What no user server may read: the configuration may hold keys of platforms."""
DRAWN_ELSEWHERE = {
    *(("ground_evaluations", name) for name in ("start", "started")),
    *(("models", name) for name in ("start_problems", "unload")),
    *(("limits", name) for name in ("put", "remove", "rules")),
    *(("privacy", name) for name in ("policies", "put", "remove")),
}
"""What stands in the same modules and is drawn only on pages of managers and admins."""
HANDED_ON = {"sign_in", "settings"}
"""Services that a page hands on: the form calls check, profiles read the server's own settings."""


def calls(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield service, method and line of everything that a page asks of the portal, directly or by a name given to a service."""
    for scope in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(scope, ast.FunctionDef):
            continue
        named = {
            target.id: node.value.attr
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and _is_service(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        taken = set()
        for node in ast.walk(scope):
            if not isinstance(node, ast.Attribute):
                continue
            if _is_service(node.value):
                taken.add(id(node.value))
                yield node.value.attr, node.attr, node.lineno
            elif isinstance(node.value, ast.Name) and node.value.id in named:
                yield named[node.value.id], node.attr, node.lineno
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and _is_service(node.value):
                taken.add(id(node.value))
            if _is_service(node) and id(node) not in taken and node.attr not in HANDED_ON:
                yield node.attr, "is handed on", node.lineno


def _is_service(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "portal" and node.attr != "for_page"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_method_that_a_page_calls_is_registered(path: Path) -> None:
    missing = []
    for service, name, line in calls(path):
        found = BY_NAME.get(service)
        known = set() if found is None else {*found.anyone, *found.user, *found.staff, *found.values}
        if name not in known | LOCAL.get(service, set()) | ADMIN_ALONE.get(service, set()):
            missing.append(f"{path.name}:{line} portal.{service}.{name}")
    assert not missing, f"add to SERVICES in remote/services.py: {missing}"


def reachable_from_a_user_server() -> set[str]:
    """Return the modules that its pages may run."""
    served = PROFILES["user"].pages or ()
    first = [*(f"pages.{entry.module}" for entry in ENTRIES if entry.path in served), "pages.account.account", "pages.shell.navigation"]
    seen: set[str] = set()
    while first:
        module = first.pop()
        if module in MODULES and module.startswith("pages.") and module not in seen:
            seen.add(module)
            first += [name for found in IMPORTS[module] for name in (found, found.rpartition(".")[0])]
    return seen


def test_the_pages_of_a_user_server_call_nothing_that_is_for_staff() -> None:
    """Nor for the people who manage a group there."""
    found = {
        (service, name)
        for module in reachable_from_a_user_server()
        for service, name, _ in calls(MODULES[module])
        if service in BY_NAME and name in BY_NAME[service].staff
    }
    assert found == DRAWN_ELSEWHERE


def test_what_the_scan_finds(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text(
        "def draw(portal):\n    room = portal.backups\n    room.make(1)\n    portal.turns.start()\n    other(portal.files)\n", "utf-8"
    )
    assert {(service, name) for service, name, _line in calls(page)} == {("backups", "make"), ("turns", "start"), ("files", "is handed on")}


@pytest.mark.parametrize(("service", "name"), [(each.name, name) for each in SERVICES for name in (*each.anyone, *each.user, *each.staff)])
def test_every_registered_method_can_travel(service: str, name: str) -> None:
    found = method(service, name)
    assert all(part.kind is not Kind.USER or parameter in found.signature.parameters for parameter, part in found.parts.items())


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("sign_in", "begin"),
        ("sessions", "_tickets"),
        ("accounts", "credentials"),
        ("accounts", "has_any"),
        ("database", "connect"),
        ("turns", "__init__"),
    ],
)
def test_nothing_else_can_be_called(service: str, name: str) -> None:
    with pytest.raises(NotFound):
        method(service, name)


def test_a_method_that_takes_a_person_cannot_be_open_to_anyone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(services.BY_NAME, "turns", services.Service("turns", anyone=("running_conversations",)))
    methods.method.cache_clear()
    try:
        with pytest.raises(Unfit, match=r"turns.running_conversations: list it under"):
            method("turns", "running_conversations")
    finally:
        methods.method.cache_clear()


def test_a_password_hash_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(services.BY_NAME, "accounts", services.Service("accounts", anyone=("credentials",)))
    with pytest.raises(Unfit, match="Credentials"):
        method("accounts", "credentials")
