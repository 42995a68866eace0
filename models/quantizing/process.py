"""Quantize a file in a separate process: `python -m models.quantizing.process SOURCE TARGET TYPE THREADS`, run by quantizer.py.

Prints a line of JSON for each tensor, and at the end the size of the result or the reason for a failure. With an empty TARGET, only the
size is computed.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import re
import resource
import signal
import sys

from models.engine.llama import native

_PR_SET_PDEATHSIG = 1
_TENSOR = re.compile(r"\[ *(\d+)/ *(\d+)\]")
_SIZE = re.compile(r"quant size += +([\d.]+) MiB")
_MIB = 1024 * 1024


class _Reporter(logging.Handler):
    """Turns llama.cpp's log into lines of JSON."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.size = 0

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if found := _TENSOR.match(line):
            _print(done=int(found[1]), of=int(found[2]))
        elif found := _SIZE.search(line):
            self.size = round(float(found[1]) * _MIB)


def _print(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main(source: str, target: str, file_type: str, threads: str) -> int:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Loaded models answer meanwhile.
    os.nice(10)
    reporter = _Reporter()
    logger = logging.getLogger("llama.cpp")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(reporter)
    log = native.start()
    log.mark()
    params = native.lib.llama_model_quantize_default_params()
    params.nthread, params.ftype, params.dry_run = int(threads), int(file_type), not target
    if native.lib.llama_model_quantize(os.fsencode(source), os.fsencode(target or os.devnull), params):
        _print(error=log.last_error() or "no reason given")
        return 1
    _print(size=reporter.size)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
