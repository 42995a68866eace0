"""Build the server that the engine is measured against: llama.cpp's own. `./portal bench peers`

It is built from the source that the portal's llama-cpp-python was compiled from (the pinned archive, with its hash checked), and linked
against the libraries that the portal runs on. This takes about 5 minutes on 2 cores, once: the binary stays in the cache, never in the
tree.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import llama_cpp

from cli.environment.python_packages import BUILD, ENGINE, pins, pip_install
from cli.paths import Paths
from cli.progress import run, step

LIBRARIES = Path(llama_cpp.__file__).parent / "lib"


def with_cuda() -> bool:
    """Tell whether the portal's llama-cpp-python, and so llama-server, was compiled for NVIDIA GPUs: they share the libraries."""
    return (LIBRARIES / "libggml-cuda.so").exists()


def is_built() -> bool:
    binary = _binary(Paths.of(os.environ))
    return binary.exists() and binary.stat().st_mtime > (LIBRARIES / "libllama.so").stat().st_mtime


def llama_server() -> Path:
    """Return the binary; compile it if it is missing or its libraries are newer."""
    paths = Paths.of(os.environ)
    paths.prepare()
    binary = _binary(paths)
    if is_built():
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="glm-portal-peers-") as temporary:
        built = _build(Path(temporary), paths)
        shutil.move(built, binary)
    return binary


def _binary(paths: Paths) -> Path:
    """Return the path for this kind of libraries: a binary finds only those that it was linked to."""
    return paths.cache.parent / "peers" / f"llama-server-{pins(ENGINE)['llama-cpp-python']}{'-cuda' if with_cuda() else ''}"


def fetch_source(folder: Path, paths: Paths) -> Path:
    """Fetch the pinned archive into `folder` and return llama.cpp's tree in it."""
    tools, source = folder / "tools" / "bin", folder / "source"
    with step("Fetching the source", "Fetched the source"):
        run([sys.executable, "-m", "venv", tools.parent], paths.log)
        pip_install(tools / "python", paths.log, BUILD)
        options = ["--no-deps", "--no-binary=:all:", "--no-build-isolation", "--disable-pip-version-check", "--require-hashes"]
        run([tools / "python", "-m", "pip", "download", *options, "-r", ENGINE, "-d", folder], paths.log)
        with tarfile.open(next(folder.glob("llama_cpp_python-*.tar.gz"))) as archive:
            # Python 3.11.4 and later check the names in an archive. This one is pinned by its hash.
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            archive.extractall(source)
    return next(source.glob("*/vendor/llama.cpp"))


def _build(folder: Path, paths: Paths) -> Path:
    tree = fetch_source(folder, paths)
    tools, work = folder / "tools" / "bin", folder / "build"
    project = folder / "project"
    project.mkdir()
    shutil.copy(Path(__file__).parents[1] / "engine_parts" / "server.cmake", project / "CMakeLists.txt")
    with step("Compiling llama-server", "Compiled llama-server"):
        environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"}
        configure = ["cmake", "-G", "Ninja", "-S", str(project), "-B", str(work), f"-DLLAMA_CPP={tree}", f"-DENGINE={LIBRARIES}"]
        run([*configure, "-DLLAMA_BUILD_UI=OFF", "-DLLAMA_USE_PREBUILT_UI=OFF"], paths.log, environment=environment)
        run(["nice", "cmake", "--build", str(work), "--target", "llama-server"], paths.log, environment=environment)
    return work / "llama-server"


def main() -> None:
    binary = llama_server()
    asked = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    print(f"{binary}\n{(asked.stdout + asked.stderr).strip()}")


if __name__ == "__main__":
    main()
