"""Decode once on this machine: `python -m models.trials.self_test [--no-extra-buffers]` prints one line of JSON.

`machine_trial.py` runs it in a child process before a build is trusted: on machines that announce AMX and refuse it, the first
batched prompt of a quantized model kills the process (SIGILL or SIGSEGV), unless the weights stay as they are
(`--no-extra-buffers`). A wrong answer counts as a failure too.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
import tempfile
import time
from pathlib import Path
from queue import Empty

from core.errors import ModelFailed, PortalError
from core.inference.requests import Delta, Finished, SamplingParams
from core.models.load_settings import LoadSettings
from models.engine.engine import Engine
from models.engine.llama import native
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.native import lib
from models.engine.sampling.sampler import resolve
from models.engine.sequence import Sequence
from models.gguf.facts import read_facts
from models.gguf.memory_plan import plan_load

GUIDE = Path(__file__).parents[1] / "guide" / "guide.gguf"
_QUESTION = "[gMASK]<sop><|system|>\n{filler}<|user|>\nHow do I change my password?<|assistant|>\n"
_ANSWER = "Change your password on the"
"""How the guide's answer begins, at Q8_0 and at Q4_K_M."""
_WAIT_S = 60.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.trials.self_test", description="Try one decode on this machine.")
    parser.add_argument("--no-extra-buffers", action="store_true", help="leave the weights as they are in the file")
    extra_buffers = not parser.parse_args(arguments).no_extra_buffers
    try:
        with tempfile.TemporaryDirectory() as folder:
            speed, device = _try(GUIDE, extra_buffers)
            _try(four_bit(GUIDE, Path(folder)), extra_buffers)
    except (PortalError, Empty) as error:
        complaint = str(error) or f"No token came within {_WAIT_S:.0f} s."
        _report({"ok": False, "error": complaint, "extra_buffers": extra_buffers})
        return 1
    _report({"ok": True, "device": device, "tokens_per_second": round(speed, 1), "extra_buffers": extra_buffers})
    return 0


def _report(report: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(report) + "\n")


def _try(path: Path, extra_buffers: bool) -> tuple[float, str]:
    """Load, answer four prompts in one batch, unload; returns tokens/s and the device ("cpu", or the GPU's name)."""
    plan = plan_load(read_facts(path), LoadSettings(slots=4), extra_buffers=extra_buffers)
    backend = LlamaBackend(path, plan.options)
    engine = Engine(backend, path.stem, last_error=backend.last_error)
    try:
        prompts = [backend.tokenize(_QUESTION.format(filler="The portal answers. " * 10 * (number + 1))) for number in range(4)]
        params = resolve(SamplingParams(temperature=0.0), SamplingParams(), 32)
        sequences = [engine.submit(prompt, params, 32, "self test") for prompt in prompts]
        begin = time.perf_counter()
        engine.start()
        tokens = 0
        for sequence in sequences:
            text, count = _answer(sequence)
            if not text.startswith(_ANSWER):
                raise ModelFailed("The model answered wrongly: {text}", text=text[:80])
            tokens += count
        return tokens / (time.perf_counter() - begin), _device(plan.options.gpu_layers, backend)
    finally:
        engine.close()


def _answer(sequence: Sequence) -> tuple[str, int]:
    """Wait for the whole answer; return it with its number of tokens. Raises PortalError, Empty."""
    text = ""
    while True:
        event = sequence.events.get(timeout=_WAIT_S)
        if isinstance(event, PortalError):
            raise event
        if isinstance(event, Finished):
            return text, event.usage.completion_tokens
        if isinstance(event, Delta):
            text += event.text


def _device(gpu_layers: int, backend: LlamaBackend) -> str:
    gpus = native.gpus()
    return ", ".join(gpu.description for gpu in gpus) if gpus and gpu_layers and backend.logged("layers to GPU") else "cpu"


def four_bit(path: Path, folder: Path) -> Path:
    """Make the same model at Q4_K_M: its matrix multiplications take other instructions than Q8_0's."""
    params = lib.llama_model_quantize_default_params()
    params.ftype = lib.LLAMA_FTYPE_MOSTLY_Q4_K_M
    params.allow_requantize = True
    params.nthread = 1
    target = folder / f"{path.stem}-q4.gguf"
    log = native.start()
    log.mark()
    if lib.llama_model_quantize(str(path).encode(), str(target).encode(), ctypes.byref(params)) != 0:
        raise ModelFailed("llama.cpp could not quantize {file}: {reason}", file=path.name, reason=log.last_error())
    return target


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
