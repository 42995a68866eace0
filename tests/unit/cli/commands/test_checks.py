from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cli.commands import checks
from cli.paths import Paths


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders with a test each, in the place of the repository."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"test_{name}.py").write_text("def test_it():\n    assert True\n")
    monkeypatch.setattr(checks, "REPOSITORY", tmp_path)
    monkeypatch.setattr(checks, "UNIT", ("one",))
    monkeypatch.setattr(checks, "OTHERS", ("two",))
    monkeypatch.setattr(Paths, "python", property(lambda _places: Path(sys.executable)))
    return tmp_path


def test_two_processes_end_with_one_line_that_counts_all(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    assert checks.run_tests(paths) == 0
    output = capfd.readouterr().out
    assert output.splitlines()[-1] == "2 passed, 0 failed, 0 skipped"
    assert "one/test_one.py" in output and "two/test_two.py" in output


@pytest.mark.parametrize("broken", ["one", "two"])
@pytest.mark.parametrize(("body", "counted"), [("assert False", "1 passed, 1 failed"), ("raise SystemExit(3)", "1 passed, 1 failed")])
def test_a_failure_in_either_process_fails_the_run(
    tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str], broken: str, body: str, counted: str
) -> None:
    (tree / broken / f"test_{broken}.py").write_text(f"def test_it():\n    {body}\n")
    assert checks.run_tests(paths) != 0
    assert counted in capfd.readouterr().out.splitlines()[-1]


def test_a_file_that_cannot_be_collected_fails_the_run(tree: Path, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (tree / "two" / "test_two.py").write_text("import nothing_of_this_name\n")
    assert checks.run_tests(paths) != 0
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


def test_every_folder_of_tests_belongs_to_one_of_the_processes() -> None:
    root = Path(__file__).resolve().parents[4]
    holders = {path.relative_to(root).parts[1] for path in (root / "tests").rglob("test_*.py")}
    assert {f"tests/{name}" for name in holders} == {*checks.UNIT, *checks.OTHERS}
