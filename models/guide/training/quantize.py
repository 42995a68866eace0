"""Make the guide's file small: `python -m models.guide.training.quantize IN OUT` writes Q8_0, with the portal's llama.cpp."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from models.engine.llama import native
from models.engine.llama.native import lib


def main(source: Path, out: Path) -> int:
    params = lib.llama_model_quantize_default_params()
    params.ftype = lib.LLAMA_FTYPE_MOSTLY_Q8_0
    params.nthread = 1
    native.start()
    return int(lib.llama_model_quantize(str(source).encode(), str(out).encode(), ctypes.byref(params)))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
