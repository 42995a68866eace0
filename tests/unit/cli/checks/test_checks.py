from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from cli.checks import checks
from cli.checks.parallel_tests import NOTING, ParallelTests
from cli.paths import Paths

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three folders with a test each, in the place of the repository."""
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"test_{name}.py").write_text("def test_it():\n    assert True\n")
    monkeypatch.setattr(checks, "REPOSITORY", tmp_path)
    monkeypatch.setattr(checks, "PARTS", (("one",), ("two/test_*.py",), ("three",)))
    monkeypatch.setattr(Paths, "python", property(lambda _places: Path(sys.executable)))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # What a plugin imports takes longer than these tests.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # The place of the module that notes the running test.
    return tmp_path


def test_two_workers_end_with_one_line_that_counts_all(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    assert checks.run_tests(paths) == 0
    output = capfd.readouterr().out
    assert output.splitlines()[-1] == "3 passed, 0 failed, 0 skipped"
    assert all(f"{name}/test_{name}.py ." in output for name in ("one", "two", "three"))
    assert "── failures" not in output


def test_what_python_says_at_its_end_hides_no_count(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "two" / "test_two.py").write_text("import atexit\n\ndef test_it():\n    atexit.register(print, 'Exception ignored')\n")
    assert checks.run_tests(paths) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "3 passed, 0 failed, 0 skipped"


def test_tests_and_what_they_start_keep_compiled_modules(tree: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tree / "one" / "test_one.py").write_text("import sys\n\ndef test_it():\n    assert not sys.dont_write_bytecode\n")
    monkeypatch.setattr(checks, "PARTS", (("one",),))
    assert checks.run_tests(paths) == 0


@pytest.mark.parametrize("broken", ["one", "two", "three"])
@pytest.mark.parametrize("body", ["assert False", "raise SystemExit(3)"])
def test_a_failure_in_any_part_fails_the_run(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str], broken: str, body: str) -> None:
    (tree / broken / f"test_{broken}.py").write_text(f"def test_it():\n    {body}\n")
    assert checks.run_tests(paths) != 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "2 passed, 1 failed, 0 skipped"
    assert any(line.startswith(f"FAILED {broken}/test_{broken}.py::test_it") for line in lines[lines.index("── failures") :])


FAILS_ONCE = """
from pathlib import Path

def test_it():
    once = Path('once')
    assert once.exists() or once.touch()
"""
FAILS_WITH_A = """
import pytest

@pytest.mark.parametrize('it', ['a - b', 'c::[d]'])
def test_it(it):
    assert 'a' not in it
"""
SIX_FAIL_ONCE = """
from pathlib import Path
import pytest

@pytest.mark.parametrize('number', range(6))
def test_it(number):
    once = Path(f'once-{number}')
    assert once.exists() or once.touch()
"""


def test_a_test_that_fails_once_is_named_and_does_not_fail_the_run(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "two" / "test_two.py").write_text(FAILS_ONCE)
    assert checks.run_tests(paths) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "3 passed, 0 failed, 0 skipped"
    assert lines[-2] == "two/test_two.py::test_it" and "unsteady" in lines[-3]
    assert "── failures" not in lines and ">       assert once.exists() or once.touch()" in lines, "the first failure is shown"


def test_one_that_fails_twice_fails_the_run_beside_one_that_fails_once(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "one" / "test_one.py").write_text(FAILS_WITH_A)
    (tree / "two" / "test_two.py").write_text(FAILS_ONCE)
    assert checks.run_tests(paths) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "3 passed, 1 failed, 0 skipped"
    assert any(line.startswith("FAILED one/test_one.py::test_it[a - b]") for line in lines[lines.index("── failures") :])
    assert lines[-2] == "two/test_two.py::test_it"


def test_many_that_fail_once_fail_the_run(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "two" / "test_two.py").write_text(SIX_FAIL_ONCE)
    assert checks.run_tests(paths) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "2 passed, 6 failed, 0 skipped"


def test_one_that_fails_once_does_not_excuse_a_part_that_crashes(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "one" / "test_one.py").write_text(FAILS_ONCE)
    (tree / "two" / "test_two.py").write_text("import os\n\ndef test_it():\n    os.abort()\n")
    assert checks.run_tests(paths) != 0
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 2 failed, 0 skipped"


def test_a_part_that_crashes_fails_the_run_and_the_others_go_on(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "two" / "test_two.py").write_text("import os\n\ndef test_it():\n    os.abort()\n")
    assert checks.run_tests(paths) != 0
    output = capfd.readouterr().out
    assert output.splitlines()[-3:] == [
        "two/test_*.py ended with code -6",
        "ERROR two/test_two.py::test_it - its process ended in it, or was ended because it hung",
        "2 passed, 1 failed, 0 skipped",
    ]
    assert "in test_it" in output, "the stack of the crash"


HANGS = {
    "in a native call": "def test_it():\n    ctypes.PyDLL(None).sleep(600)  # holds the interpreter\n",
    "in a fixture": "@pytest.fixture\ndef held():\n    yield\n    time.sleep(600)\n\ndef test_it(held):\n    pass\n",
}


@pytest.mark.parametrize("where", HANGS)
def test_a_test_that_hangs_is_ended_with_its_stacks_and_named(
    tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(checks, "TEST_LIMIT_S", 3)
    (tree / "two" / "test_two.py").write_text(f"import ctypes, time\nimport pytest\n\n{HANGS[where]}")
    assert checks.run_tests(paths) != 0
    output = capfd.readouterr().out
    assert "ERROR two/test_two.py::test_it - its process ended in it" in output
    assert "Timeout (0:00:03)!" in output and str(tree / "two" / "test_two.py") in output, "the stacks"
    assert output.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"


def test_a_part_that_hangs_after_its_tests_is_ended_with_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import atexit, subprocess, time\nfrom pathlib import Path\n\n"
        "child = subprocess.Popen(['sleep', '600'])\nPath('child').write_text(str(child.pid))\n\n"
        "def hang():\n    time.sleep(600)\n\n"
        "atexit.register(hang)\n\ndef test_it():\n    pass\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", *NOTING]
    [result] = ParallelTests(command, tmp_path, environment, lambda _result: None, part_s=8).run([("test_it.py",)])
    assert result.code == -signal.SIGKILL and "in hang" in result.output
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 60
    while runs(child):
        assert time.monotonic() < deadline, "what it started is left"
        time.sleep(0.02)


def runs(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_a_file_that_cannot_be_collected_fails_the_run(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "two" / "test_two.py").write_text("import nothing_of_this_name\n")
    assert checks.run_tests(paths) != 0
    assert capfd.readouterr().out.splitlines()[-1] == "2 passed, 1 failed, 0 skipped"


def test_every_test_belongs_to_exactly_one_part() -> None:
    found = [
        path
        for part in checks.PARTS
        for pattern in part
        for match in ROOT.glob(pattern)
        for path in (match.rglob("test_*.py") if match.is_dir() else [match])
    ]
    assert sorted(found) == sorted((ROOT / "tests").rglob("test_*.py"))
    assert all(list(ROOT.glob(pattern)) for part in checks.PARTS for pattern in part)
