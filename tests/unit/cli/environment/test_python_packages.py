from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cli.environment import python_packages
from cli.paths import REPOSITORY, Paths

LOCKS = [REPOSITORY / "requirements.txt", *sorted((REPOSITORY / "requirements").glob("*.txt"))]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_pins_every_package_with_hashes_and_names_no_host(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^--?(i|f|index|extra|find|trusted)", text, re.MULTILINE)
    blocks = [block for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE) if re.match(r"[A-Za-z0-9]", block)]
    assert blocks
    for block in blocks:
        assert re.match(r"[A-Za-z0-9._-]+==\S+", block), block
        assert "--hash=sha256:" in block, block


def test_what_tests_need_agrees_with_what_runs() -> None:
    run, test = python_packages.pins(python_packages.RUN), python_packages.pins(python_packages.TEST)
    assert {name: test[name] for name in test.keys() & run.keys()} == {name: run[name] for name in test.keys() & run.keys()}


def test_a_lock_file_tells_which_packages_only_some_systems_get(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text('always==1.0 \\\n    --hash=sha256:aa\nsometimes==2.0 ; sys_platform == "linux" \\\n    --hash=sha256:bb\n')
    assert python_packages.pins(lock) == {"always": "1.0", "sometimes": "2.0"}
    assert python_packages.only_on_some_systems(lock) == {"sometimes"}


def test_every_requirement_is_in_its_lock_file() -> None:
    for requirements in (REPOSITORY / "requirements").glob("*.in"):
        locked = python_packages.pins(
            REPOSITORY / "requirements.txt" if requirements.stem == "portal" else requirements.with_suffix(".txt")
        )
        for line in requirements.read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                name = re.match(r"[A-Za-z0-9._-]+", line)
                assert name and name[0].lower() in {each.lower() for each in locked}, line


def test_lock_files_hold_what_packages_need_on_the_oldest_python() -> None:
    """Locks are written with a newer 3.11 than that of Debian 12, which is 3.11.2."""
    oldest = {"python_version": "3.11", "python_full_version": "3.11.0"}
    portal = [REPOSITORY / "requirements" / f"{name}.txt" for name in ("dev", "identity", "pdf", "redis")]
    locked = {canonicalize_name(name) for lock in (python_packages.RUN, *portal) for name in python_packages.pins(lock)}
    missing = {
        f"{name} needs {needed.name}"
        for name in locked
        for needed in map(Requirement, importlib.metadata.requires(name) or ())
        if needed.marker is not None and needed.marker.evaluate({**oldest, "extra": ""})
        if canonicalize_name(needed.name) not in locked
    }
    assert not missing


def test_a_second_install_runs_nothing(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend_environment(paths)
    calls: list[Path] = []
    monkeypatch.setattr(python_packages, "pip_install", lambda _python, _log, lock, **_: calls.append(lock))
    for _ in range(2):
        python_packages.install(paths, python_packages.RUN, "packages")
    assert calls == [python_packages.RUN]


def test_a_changed_lock_file_is_installed_again(paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _pretend_environment(paths)
    calls: list[Path] = []
    monkeypatch.setattr(python_packages, "pip_install", lambda _python, _log, lock, **_: calls.append(lock))
    lock = tmp_path / "requirements.txt"
    for version in ("1.0", "1.1"):
        lock.write_text(f"thing=={version}\n")
        python_packages.install(paths, lock, "packages")
    assert calls == [lock, lock]


def test_an_environment_of_another_python_counts_as_none(paths: Paths) -> None:
    _pretend_environment(paths)
    assert python_packages.has_environment(paths)
    python_packages.add_to_stamp(paths, python="3.9")
    assert not python_packages.has_environment(paths)


def _pretend_environment(paths: Paths) -> None:
    paths.python.parent.mkdir(parents=True)
    paths.python.symlink_to(sys.executable)
    python_packages.add_to_stamp(paths)
