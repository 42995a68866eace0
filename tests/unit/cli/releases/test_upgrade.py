from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.paths import REPOSITORY, Paths
from cli.releases import environments, upgrade
from core.errors import StartFailed


class Machine:
    """A home with a release that serves, and what happens to it. fails: the step that does not work."""

    def __init__(self, paths: Paths, old: Path) -> None:
        self.paths = paths
        self.old = old
        self.revision = "0058"
        self.fails = ""
        self.done: list[str] = []
        self.broken_parts = 0
        self.in_the_way = ""

    def install(self, paths: Paths) -> None:
        self.done.append("install")
        put(paths, "new")

    def examine(self, _paths: Paths) -> int:
        return self.broken_parts

    def ask(self, python: Path | str, root: Path, *arguments: str, what: str) -> str:
        said = " ".join(arguments)
        if arguments[-1] == "show":
            return json.dumps({
                "address": "http://127.0.0.1:1", "revision": self.revision, "expected": "0059", "bytes": 1, "in_the_way": self.in_the_way,
            })  # fmt: skip
        step = f"{root.name}: {arguments[-2]}" if "backup" in said else f"{Path(python).read_text()}: {arguments[-2]} {arguments[-1]}"
        self._do(step)
        if arguments[-2] == "migrate":
            self.revision = "0059" if arguments[-1] == "head" else arguments[-1]
        return ""

    @contextmanager
    def started(self, root: Path, _log: Path) -> Iterator[None]:
        self._do(f"start {'new' if root == REPOSITORY else 'old'} with {self.paths.python.read_text()}")
        yield

    def ready(self, *_: object) -> None:
        self._do("ready")

    def command(self, line: str) -> None:
        self._do(line)
        if line == "stop it":
            self.in_the_way = ""

    def _do(self, step: str) -> None:
        self.done.append(step)
        if step == self.fails:
            self.fails = ""
            raise StartFailed("It does not work.")


def put(paths: Paths, release: str) -> None:
    paths.python.parent.mkdir(parents=True, exist_ok=True)
    paths.python.write_text(release)
    paths.stamp.write_text(json.dumps({"python": upgrade.python_packages.PYTHON}))


@pytest.fixture
def machine(paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    old = tmp_path / "one"
    old.mkdir()
    (old / "portal").touch()
    put(paths, "old")
    made = Machine(paths, old)
    monkeypatch.setattr(upgrade, "install_runtime", made.install)
    monkeypatch.setattr(upgrade.doctor, "examine", made.examine)
    monkeypatch.setattr(upgrade, "ask", made.ask)
    monkeypatch.setattr(upgrade, "started", made.started)
    monkeypatch.setattr(upgrade, "wait_until_ready", made.ready)
    monkeypatch.setattr(upgrade, "run_command", made.command)
    return made


WHOLE = ["install", "one: backup", "new: migrate head", "start new with new", "ready"]


def test_an_upgrade_backs_up_migrates_starts_and_can_be_undone(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert upgrade.main(machine.paths, ["upgrade", str(machine.old)]) == 0
    assert machine.done == WHOLE
    assert f"Start it: {REPOSITORY}/portal run" in capsys.readouterr().out
    machine.done.clear()
    assert upgrade.main(machine.paths, ["rollback"]) == 0
    assert machine.done == ["new: migrate 0058", "start old with old", "ready"]
    with pytest.raises(StartFailed, match="no upgrade"):
        upgrade.main(machine.paths, ["rollback"])


@pytest.mark.parametrize("fails", WHOLE[1:])
def test_a_failure_brings_back_the_old_release(machine: Machine, fails: str) -> None:
    machine.fails = fails
    with pytest.raises(StartFailed, match=f"the release in {machine.old} is back with all data. It does not work"):
        upgrade.main(machine.paths, ["upgrade", str(machine.old)])
    assert machine.done[-2:] == ["start old with old", "ready"]
    assert machine.revision == "0058"
    assert environments.noted(machine.paths) is None


def test_a_service_is_stopped_and_started_by_its_commands_and_its_link_follows(machine: Machine, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(machine.old)
    machine.in_the_way = "Another portal is using the folder."
    commands = ["--stop", "stop it", "--start", "start it"]
    upgrade.main(machine.paths, ["upgrade", str(link), *commands])
    assert machine.done == ["install", "stop it", "one: backup", "new: migrate head", "start it", "ready"]
    assert link.resolve() == REPOSITORY
    upgrade.main(machine.paths, ["rollback", *commands])
    assert link.resolve() == machine.old


def test_a_portal_that_serves_is_not_upgraded_under_its_feet(machine: Machine) -> None:
    machine.in_the_way = "Another portal is using the folder."
    with pytest.raises(StartFailed, match="stop the portal first, or say how with --stop"):
        upgrade.main(machine.paths, ["upgrade", str(machine.old)])
    assert machine.done == ["install"]


def test_the_doctor_stops_an_upgrade_before_anything_changes(machine: Machine) -> None:
    machine.broken_parts = 1
    with pytest.raises(StartFailed, match="Nothing was changed"):
        upgrade.main(machine.paths, ["upgrade", str(machine.old)])
    assert machine.done == ["install"]
    machine.done.clear()
    assert upgrade.main(machine.paths, ["upgrade", str(machine.old), "--force"]) == 0
    assert machine.done == WHOLE


def test_a_wrong_folder_is_refused(machine: Machine, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", REPOSITORY):
        with pytest.raises(StartFailed, match="is not the folder of another release"):
            upgrade.main(machine.paths, ["upgrade", str(folder)])


def test_the_same_upgrade_is_not_done_twice(machine: Machine) -> None:
    upgrade.main(machine.paths, ["upgrade", str(machine.old)])
    with pytest.raises(StartFailed, match="rollback undoes it"):
        upgrade.main(machine.paths, ["upgrade", str(machine.old)])
