"""Check that a file can be quantized, and run llama.cpp's quantizer in a separate process."""

from __future__ import annotations

import errno
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from core.errors import Conflict, InvalidInput, ModelFailed
from core.models.quantization import Precision
from core.models.records import ModelFile
from core.operations.file_limit import at_file_limit
from models import machine
from models.child.process import how_it_ended
from models.gguf.facts import read_facts
from models.plain_words import without_codes

_FILE_TYPES = {Precision.Q8_0: 7, Precision.Q6_K: 18, Precision.Q5_K_M: 17, Precision.Q4_K_M: 15, Precision.IQ4_XS: 30}
"""llama.cpp's LLAMA_FTYPE_MOSTLY_..."""
_WHOLE = frozenset({"F32", "F16", "BF16"})
ROOT = Path(__file__).parents[2]
_POLL_S = 0.25
_LITTLE = 4 * 1024 * 1024
"""A disk with less than this free is full."""


class LlamaQuantizer:
    """Implements core's Quantizer. A crash of llama.cpp ends the process, not the portal."""

    def check(self, path: Path) -> ModelFile:
        facts = read_facts(path)
        types = {tensor.type for header in facts.headers for tensor in header.tensors}
        if types - _WHOLE:
            raise InvalidInput(
                "{file} is already quantized ({type}). Choose an F16 or BF16 file of this model: quantizing twice loses quality.",
                file=path.name, type=facts.file.quantization or ", ".join(sorted(types - _WHOLE)),
            )  # fmt: skip
        return facts.file

    def size(self, source: Path, precision: Precision, check: Callable[[], None]) -> int:
        return self._run(source, None, precision, lambda done: check())

    def quantize(self, source: Path, target: Path, precision: Precision, progress: Callable[[float], None]) -> None:
        self._run(source, target, precision, progress)

    def _run(self, source: Path, target: Path | None, precision: Precision, progress: Callable[[float], None]) -> int:
        """Return the size of the result as the quantizer computed it."""
        threads = max(1, machine.cores() - 1)
        arguments = [str(source.absolute()), str(target.absolute()) if target else "", str(_FILE_TYPES[precision]), str(threads)]
        # The child needs none of the portal's secrets.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")} | {"GGML_NO_BACKTRACE": "1"}
        with TemporaryFile() as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", "models.quantizing.process", *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
            try:
                last = _follow(child, progress)
            finally:
                child.kill()
                child.wait()
                assert child.stdout is not None
                child.stdout.close()
            if child.returncode == 0:
                return int(str(last.get("size", 0)))
            errors.seek(0)
            said = without_codes(errors.read().decode("utf-8", "replace")).strip().splitlines()
        if target is not None and at_file_limit(target):
            words = (
                "{file} was not quantized: the new file is larger than this server's limit for the size of a file. Raise the limit "
                "(ulimit -f), then try again."
            )
            raise Conflict(words, file=source.name)
        if target is not None and _full(target.parent):
            words = "The disk of the models folder is full, so {file} was not quantized. Free some space, then try again."
            raise Conflict(words, file=source.name)
        how = how_it_ended(child.returncode) if child.returncode < 0 else str(last.get("error") or (said or ["no reason given"])[-1])
        raise ModelFailed("llama.cpp could not quantize {file}: {reason}.", file=source.name, reason=how.rstrip("."))


def _follow(child: subprocess.Popen[bytes], progress: Callable[[float], None]) -> dict[str, object]:
    """Read what the child reports until it ends; returns its last line."""
    assert child.stdout is not None
    stream, rest, done = child.stdout.fileno(), b"", 0.0
    last: dict[str, object] = {}
    while True:
        # Called often, even while a large tensor takes its time, so that a cancel takes effect here.
        progress(done)
        if not select.select([stream], [], [], _POLL_S)[0]:
            continue
        try:
            read = os.read(stream, 65_536)
        except OSError as problem:
            if problem.errno == errno.EINTR:
                continue
            raise
        if not read:
            child.wait()
            return last
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "done" in said:
                done = said["done"] / max(1, said["of"])
            last = said


def _full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _LITTLE
