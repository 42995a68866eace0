"""Imports run one way: pages, api -> core <- models, data; bootstrap imports all. Areas form no circle."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.unit.test_private_names import private_names

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "models", "data", "remote", "api", "pages", "plugins", "cli", "bootstrap", "settings")
TOP = ("app", "Home")

MAY_IMPORT = {
    "core": {"core"},
    "models": {"models", "core"},
    "data": {"data", "core"},
    "plugins": {"plugins", "core"},
    "remote": {"remote", "core", "settings"},
    "api": {"api", "core", "bootstrap", "remote"},
    "pages": {"pages", "core", "bootstrap"},
    "settings": {"settings", "core"},
    "bootstrap": {"bootstrap", "core", "models", "data", "remote", "settings"},
    "app": {"api", "bootstrap", "core", "pages"},
    "Home": {"pages", "bootstrap", "core"},
    "cli": {"cli", "core", "settings", "bootstrap", "api", "app"},
}
"""Of our rooms. api and pages take the Portal from bootstrap and build nothing. cli serves app, and jobs of workers answer by api."""

ONLY_IN = {
    "streamlit": {"pages", "app", "Home"},
    "streamlit_authenticator": {"pages", "app", "Home"},
    "sqlalchemy": {"data"},
    "alembic": {"data"},
    "elasticsearch": {"data"},
    "pypdf": {"data"},
    "PIL": {"data"},
    "pi_heif": {"data"},
    "authlib": {"data"},
    "ldap3": {"data"},
    "limits": {"data"},
    "redis": {"data"},
    "jsonschema": {"data"},
    "llama_cpp": {"models"},
    "markdown_it": {"pages", "data", "plugins"},
    "pluggy": {"core"},
    "fpdf": {"plugins"},
    "fontTools": {"plugins"},
}

RECORDS = {
    *("records", "requests", "vectors", "permissions", "offers", "catalogue", "quantization"),
    *("load_settings", "memory_records", "audit_records", "start_records", "report_records", "rule_records", "sketches", "figures"),
}
"""Modules of an area that hold records alone. They import other records, and the small modules beside the areas."""

HOOKS = {"core.plugins.hookspecs", "core.plugins.loading"}
"""Modules of core that import pluggy, which is itself without dependencies: a hook is marked and called with it."""

BESIDE_THE_AREAS = {"core.errors", "core.bounds", "core.characters", "core.clock"}

BEFORE_THE_ENVIRONMENT = (
    *("main", "paths", "progress"),
    *("environment.install", "environment.system_packages", "environment.python_packages", "environment.engine"),
    *("checks.parallel_tests", "checks.background_soak", "checks.outcome", "checks.checks"),
    *("environment.engine_build", "environment.fixes", "commands.doctor", "commands.finding", "commands.benches"),
    *("environment.offline", "releases.bundle", "releases.environments", "releases.running", "releases.upgrade"),
)
"""Modules of cli that run before anything is installed."""
SHARED_WITH_THE_COMMAND = "models.trials.machine_trial"
"""The ladder of trials, which the command walks before anything is installed and the portal at its start."""


def _files() -> list[Path]:
    files = [ROOT / f"{name}.py" for name in TOP] + [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return [path for path in files if path.exists()]


def _room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_module(path): path for path in _files()}


def _imported(path: Path) -> set[str]:
    """Full names of all modules the file imports, wherever in it the import stands, behind TYPE_CHECKING too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            inner = {f"{node.module}.{each.name}" for each in node.names} & MODULES.keys()
            names |= inner or {node.module or ""}
    return names


IMPORTS = {module: _imported(path) for module, path in MODULES.items()}


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    room = _room(path)
    for name in IMPORTS[_module(path)]:
        top = name.partition(".")[0]
        if top in MAY_IMPORT and not (room == "cli" and name == SHARED_WITH_THE_COMMAND):
            assert top in MAY_IMPORT[room], f"{room} imports {name}"
        if top in ONLY_IN:
            assert room in ONLY_IN[top], f"{room} imports {name}"
        if room == "core" and top != "core" and not (top == "pluggy" and _module(path) in HOOKS):
            assert top in sys.stdlib_module_names, f"core imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_plugin_of_the_portal_imports_what_other_plugins_may(path: Path) -> None:
    assert {name for name in IMPORTS[_module(path)] if name.startswith("core.")} <= {"core.plugins.hookspecs"}


OF_COMMANDS = ("bench", "demo", "samples")
"""What commands run beside the portal. Tests may use it; the portal does not, and it does not need the tests."""
RUNS_TESTS = {"bench/models/peer_tests.py"}
"""A command whose very work is to run tests."""


def test_commands_do_not_need_the_tests_and_the_portal_does_not_need_the_commands() -> None:
    of_commands = {str(path.relative_to(ROOT)): path for room in OF_COMMANDS for path in (ROOT / room).rglob("*.py")}
    tops = {name: {each.partition(".")[0] for each in _imported(path)} for name, path in of_commands.items()}
    assert {name for name, found in tops.items() if "tests" in found} == RUNS_TESTS
    assert [name for name, found in tops.items() if name.startswith("samples/") and found & {"bench", "demo"}] == []
    assert [module for module, names in IMPORTS.items() if {each.partition(".")[0] for each in names} & {*OF_COMMANDS, "tests"}] == []


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the names along a circle, empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as problem:
        return list(problem.args[1])
    return []


@pytest.mark.parametrize("room", ROOMS)
def test_no_modules_import_each_other_in_a_circle(room: str) -> None:
    graph = {module: {name for name in names if name in MODULES and name != module} for module, names in IMPORTS.items()}
    assert _circle({module: names for module, names in graph.items() if module.partition(".")[0] == room}) == []


@pytest.mark.parametrize("room", sorted({*ROOMS} - {"core", "pages"}))
def test_areas_of_a_room_use_each_other_in_one_direction(room: str) -> None:
    """Core has the finer test below. The shell of the pages lists them, and gives them words and frame."""
    graph: dict[str, set[str]] = {}
    for module, names in IMPORTS.items():
        if here := _area(module, room):
            others = {_area(name, room) for name in names if name in MODULES} - {None, here}
            graph[here] = graph.get(here, set()) | {each for each in others if each}
    assert _circle(graph) == []


PUBLIC_BY_CUSTOM = {"_mapping", "_replace", "_fields_", "_exit", "_Hash"}
"""Names of the standard library and SQLAlchemy that begin with an underscore so that they do not clash with fields."""
INSIDES_OF_OTHERS = {
    "data/documents/formats/pdf.py": 4,
    "pages/shell/options.py": 1,
    "pages/shell/script_events.py": 8,
    "pages/shell/theme.py": 2,
    "pages/widgets/common/browser_timer.py": 1,
}
"""Uses of private names of pypdf and Streamlit, which are pinned; a test of each tells when they stop to work."""


def test_no_module_reaches_into_the_insides_of_another() -> None:
    uses = Counter(
        str(path.relative_to(ROOT))
        for path in _files()
        for name in private_names(ast.parse(path.read_text("utf-8")))
        if name not in PUBLIC_BY_CUSTOM
    )
    assert uses == INSIDES_OF_OTHERS


def _area(module: str, room: str = "core") -> str | None:
    """Return the area of a module of the room; None for a module of another room, or beside the areas."""
    parts = module.split(".")
    return parts[1] if parts[0] == room and len(parts) >= 3 else None


def _services() -> Iterator[tuple[str, str]]:
    """Yield (area, area it uses) for every service that imports a service of another area."""
    for module, names in IMPORTS.items():
        for name in names:
            here, there = _area(module), _area(name)
            if here and there and here != there and module.rpartition(".")[2] not in RECORDS | {"ports"}:
                if name.rpartition(".")[2] not in RECORDS | {"ports"}:
                    yield here, there


def test_areas_of_core_use_each_other_in_one_direction() -> None:
    graph: dict[str, set[str]] = {}
    for here, there in _services():
        graph.setdefault(here, set()).add(there)
    assert _circle(graph) == []


@pytest.mark.parametrize("module", sorted(name for name in MODULES if _area(name)))
def test_records_import_records_and_ports_import_no_service(module: str) -> None:
    kind = module.rpartition(".")[2]
    if kind not in RECORDS | {"ports"}:
        return
    for name in IMPORTS[module]:
        if name.startswith("core.") and name not in BESIDE_THE_AREAS:
            assert name.rpartition(".")[2] in (RECORDS if kind in RECORDS else RECORDS | {"ports", "totals"}), f"{module} imports {name}"


@pytest.mark.parametrize("module", BEFORE_THE_ENVIRONMENT)
def test_the_command_starts_with_the_standard_library_alone(module: str) -> None:
    for name in IMPORTS[f"cli.{module}"]:
        top, _, rest = name.partition(".")
        if top == "cli":
            assert not rest or rest in BEFORE_THE_ENVIRONMENT, f"cli.{module} imports {name}"
        else:
            shared = top == "core" or name == SHARED_WITH_THE_COMMAND
            assert shared or top in sys.stdlib_module_names, f"cli.{module} imports {name}"


def test_what_the_portal_shares_with_the_command_needs_the_standard_library_alone() -> None:
    for name in _imported(ROOT / f"{SHARED_WITH_THE_COMMAND.replace('.', '/')}.py"):
        assert name.partition(".")[0] in sys.stdlib_module_names, f"{SHARED_WITH_THE_COMMAND} imports {name}"


def test_every_room_is_looked_at() -> None:
    assert {_room(path) for path in _files()} >= {*ROOMS, *TOP}
