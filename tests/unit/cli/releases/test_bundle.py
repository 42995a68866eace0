from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from cli.environment import python_packages
from cli.paths import REPOSITORY
from cli.releases import bundle
from core.errors import StartFailed


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_only_what_git_knows_gets_into_an_archive(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "app.py").write_text("1")
    (tmp_path / "deploy/.env").write_text("POSTGRES_PASSWORD=secret")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "app.py")
    assert bundle.files_of_source(tmp_path) == {"app.py": tmp_path / "app.py"}


def test_an_unpacked_archive_can_be_made_into_one_again(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("1")
    (tmp_path / "secret.pem").write_text("1")
    bundle.write_archive(tmp_path / "made.tar.gz", {"app.py": tmp_path / "app.py"}, version="1", locks=[], key="")
    with tarfile.open(tmp_path / "made.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / "glm-portal-1"
    (unpacked / "secret.pem").write_text("1")
    assert bundle.files_of_source(unpacked) == {"app.py": unpacked / "app.py"}


def test_a_folder_of_unknown_origin_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("1")
    with pytest.raises(StartFailed, match="neither a git checkout nor unpacked"):
        bundle.files_of_source(tmp_path)


def test_an_archive_names_nobody_and_leaves_nothing_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("1")
    bundle.write_archive(tmp_path / "made.tar.gz", {"app.py": tmp_path / "app.py"}, version="1", locks=[], key="")
    with tarfile.open(tmp_path / "made.tar.gz") as archive:
        assert {(each.uid, each.uname) for each in archive} == {(0, "")}
    with pytest.raises(FileNotFoundError):
        bundle.write_archive(tmp_path / "broken.tar.gz", {"gone.py": tmp_path / "gone.py"}, version="1", locks=[], key="")
    assert not list(tmp_path.glob("broken*"))


def test_every_list_that_a_start_installs_can_be_packed() -> None:
    packed = {*bundle.ALWAYS, *bundle.EXTRAS.values()}
    known = {value for value in vars(python_packages).values() if isinstance(value, Path) and value.suffix == ".txt"}
    assert known - packed == {python_packages.TEST}


def test_the_version_is_the_projects() -> None:
    assert bundle.project_version(REPOSITORY).count(".") == 2
