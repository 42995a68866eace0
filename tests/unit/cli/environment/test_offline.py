from __future__ import annotations

import json
import platform
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cli.environment import offline
from cli.environment.offline import PYTHON, Bundle, libc, read_bundle
from cli.releases import bundle as making
from core.errors import StartFailed


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """Return a folder with a small archive that was made and unpacked."""
    source = tmp_path / "source"
    for name in ("app.py", "deploy/nginx.conf", "wheels/one-1.0.whl", "wheels/engine/key/llama.whl"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    files = {str(path.relative_to(source)): path for path in source.rglob("*") if path.is_file()}
    making.write_archive(tmp_path / "made.tar.gz", files, version="1.2", locks=["requirements.txt"], key="key")
    with tarfile.open(tmp_path / "made.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "glm-portal-1.2"


def read(folder: Path) -> Bundle:
    found = read_bundle(folder)
    assert found is not None
    return found


def change(folder: Path, **facts: Any) -> None:
    manifest = folder / "bundle.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | facts))


def test_an_unpacked_archive_is_whole_and_offers_what_it_has(unpacked: Path) -> None:
    found = read(unpacked)
    found.check()
    assert found.version == "1.2" and found.engine_wheel() == unpacked / "wheels/engine/key/llama.whl"
    assert found.options(Path("requirements.txt")) == ["--no-index", f"--find-links={unpacked / 'wheels'}"]
    assert found.options(Path("requirements/dev.txt")) == []


def test_a_checkout_is_no_archive(tmp_path: Path) -> None:
    assert read_bundle(tmp_path) is None
    assert offline.pip_options(Path("requirements.txt")) == []


@pytest.mark.parametrize("name", ["app.py", "wheels/one-1.0.whl", "wheels/engine/key/llama.whl"])
@pytest.mark.parametrize("gone", [False, True])
def test_a_changed_or_missing_file_is_named(unpacked: Path, name: str, *, gone: bool) -> None:
    if gone:
        (unpacked / name).unlink()
    else:
        (unpacked / name).write_text("something else")
    with pytest.raises(StartFailed, match=f"1 files .* first {name}"):
        read(unpacked).check()


def test_files_of_the_operator_may_be_changed(unpacked: Path) -> None:
    (unpacked / "deploy/nginx.conf").write_text("server_name portal.company;")
    read(unpacked).check()


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"machine": "riscv64"}, f"for Python {PYTHON} on riscv64; here is Python {PYTHON} on {platform.machine()}"),
        ({"python": "3.99"}, "Type python3.99 ./portal run here"),
        ({"libc": "glibc 9.99"}, f"newer system \\(glibc 9.99; here is {libc()}\\)"),
    ],
)
def test_an_archive_for_another_machine_is_refused(unpacked: Path, facts: dict[str, str], sentence: str) -> None:
    change(unpacked, **facts)
    with pytest.raises(StartFailed, match=sentence):
        read(unpacked).check()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": "1", "files": 3}'])
def test_a_damaged_manifest_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(StartFailed, match=r"bundle\.json is damaged\. Unpack the archive again"):
        read_bundle(tmp_path)
