"""Lets llama.cpp read a file in a child process first: `python -m models.serving.load_trial PATH`, run by `try_to_load`.

llama.cpp checks some of what a file claims with assertions that end the process. The child reads the whole header, builds
model and context without allocating them, and tells by how it ends whether this process may do the same.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

from core.errors import ModelFailed, PortalError
from models.child.process import how_it_ended, last_words
from models.embedding.llama_embedder import LlamaEmbedder
from models.engine.llama.backend import BackendOptions, LlamaBackend

TIMEOUT_S = 120.0


class Crashed(ModelFailed):
    """The child died in native code: other options may do better, see `file_buffers.py`."""


def try_to_load(path: Path, options: BackendOptions) -> None:
    """Raises ModelFailed, with llama.cpp's last words, if it refuses the file; Crashed if it dies of it."""
    command = [sys.executable, "-m", "models.serving.load_trial", str(path.absolute()), json.dumps(dataclasses.asdict(options))]
    # The file is on trial, not the GPU; and the child needs none of the portal's secrets.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")} | {"CUDA_VISIBLE_DEVICES": ""}
    try:
        child = subprocess.run(
            command,
            cwd=Path(__file__).parents[2],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelFailed("llama.cpp read {file} for {seconds} s without an end.", file=path.name, seconds=round(TIMEOUT_S)) from None
    if child.returncode == 0:
        return
    if child.returncode == 1 and child.stdout.startswith(b"refused: "):
        raise ModelFailed("{reason}", reason=child.stdout.decode("utf-8", "replace").removeprefix("refused: ").strip())
    said = last_words(child.stderr.decode("utf-8", "replace").strip().splitlines()) or "nothing"
    how = how_it_ended(child.returncode)
    failed = Crashed if child.returncode < 0 else ModelFailed
    raise failed("llama.cpp crashed ({how}) while it read {file}. It said: {said}", how=how, file=path.name, said=said)


def main(path: str, options: str) -> int:
    chosen = BackendOptions(**json.loads(options))
    try:
        (_try_vectors if chosen.pooling else _try_chat)(Path(path), chosen)
    except PortalError as error:
        sys.stdout.write(f"refused: {error}\n")
        return 1
    return 0


def _try_chat(path: Path, options: BackendOptions) -> None:
    backend = LlamaBackend(path, options, trial=True)
    for token in range(backend.vocabulary):
        backend.piece(token)
    backend.tokenize("a <|user|> b")
    backend.close()


def _try_vectors(path: Path, options: BackendOptions) -> None:
    embedder = LlamaEmbedder(path, options, trial=True)
    embedder.control_markers()
    embedder.tokenize("a [SEP] b", special=True, framed=True)
    embedder.pair_marks()
    embedder.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
