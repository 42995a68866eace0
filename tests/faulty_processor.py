"""Libraries that make this processor fail as others do. A child process loads them by LD_PRELOAD.

llama.cpp's libraries call each other, and themselves, by name; a function earlier in the search order is called instead.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

CAN_BE_MADE = pytest.mark.skipif(
    platform.machine() != "x86_64" or shutil.which("cc") is None, reason="needs an x86-64 processor and a C compiler"
)

_PRODUCT = "void {name}(int n, float *s, unsigned long bs, const void *x, const void *y, int nr, int nc) {{ fault(); }}\n"
_REPACKED = ("ggml_gemm_q8_0_4x8_q8_0", "ggml_gemm_q8_0_4x4_q8_0", "ggml_gemm_q4_K_8x8_q8_K", "ggml_gemm_q4_K_8x4_q8_K")
AMX = '__asm__ volatile(".byte 0xc4,0xe2,0x7b,0x4b,0x04,0x24")'
"""tileloadd (%rsp), %tmm0: where there is no AMX, or the host does not lend it, the processor refuses it."""
PRIVILEGED = '__asm__ volatile("hlt")'
"""A general protection fault, as some hosts answer AMX: it arrives as SIGSEGV."""

_LAYOUT = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Asked by libllama only where weights may be repacked. */
void *ggml_backend_reg_get_proc_address(void *registry, const char *name) {
    if (strcmp(name, "ggml_backend_dev_get_extra_bufts") == 0) {
        fprintf(stderr, "ggml-backend.cpp:1294: GGML_ASSERT(*cur_backend_id != -1) failed\\n");
        abort();
    }
    void *(*real)(void *, const char *) = dlsym(dlopen("libggml-base.so.0", RTLD_LAZY | RTLD_NOLOAD), "ggml_backend_reg_get_proc_address");
    return real(registry, name);
}
"""


def refuses_repacked(folder: Path, fault: str = AMX) -> Path:
    """Let the first matrix product with repacked weights execute `fault`."""
    source = f"static void fault(void) {{ {fault}; }}\n" + "".join(_PRODUCT.format(name=name) for name in _REPACKED)
    return _made(folder, "repacked", source)


def refuses_everything(folder: Path) -> Path:
    """Let every decode execute an instruction that is refused."""
    return _made(folder, "everything", f"int ggml_backend_graph_compute_async(void *backend, void *graph) {{ {AMX}; return 0; }}\n")


def cannot_lay_out(folder: Path) -> Path:
    """Let a load with repacked weights abort, as llama.cpp does at deepseek2 with AMX buffers."""
    return _made(folder, "layout", _LAYOUT)


def _made(folder: Path, name: str, source: str) -> Path:
    code, library = folder / f"{name}.c", folder / f"{name}.so"
    code.write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", library, code], check=True)
    return library
