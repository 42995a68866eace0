"""Load the C library; the only module that imports llama_cpp.

ctypes releases the interpreter's lock around every CDLL call, and taking it back beside a busy thread costs up to a
switch interval (interpreter_lock.py). Much shorter calls go through PyDLL, which keeps the lock.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp import llama_cpp_ext

from core.errors import ModelFailed
from models import machine
from models.plain_words import plain_reason, without_codes

lib: Any = llama_cpp
"""llama.h, call by call; Any because the package's hints describe pointers that mypy cannot follow."""
staging: Any = llama_cpp_ext
"""llama-ext.h: functions that may change before they move to llama.h."""

LIBRARY_FOLDER = Path(llama_cpp.__file__).parent / "lib"
_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.WARNING, 4: logging.ERROR}
_STOPPED = ("failed to compute graph, compute status: 1", "graph_compute_async failed with error 1", "failed to decode, ret = 2")
"""llama.cpp's error messages for a decode that was aborted because its answers were cancelled."""
_log = logging.getLogger("llama.cpp")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device that can hold layers. Sizes are in bytes, as the driver reports them now."""

    name: str
    description: str
    free_bytes: int
    total_bytes: int


class NativeLog:
    """llama.cpp's log, sent to Python logging; keeps the last lines, which say why a call failed."""

    def __init__(self) -> None:
        self._lines: deque[tuple[int, str]] = deque(maxlen=200)
        self._partial = ""
        self._level = 2
        self._lock = threading.Lock()
        self.callback = lib.llama_log_callback(self.receive)

    def install(self) -> None:
        lib.llama_log_set(self.callback, ctypes.c_void_p(0))

    def mark(self) -> None:
        """Forget earlier lines: the next `last_error` concerns what follows."""
        with self._lock:
            self._lines.clear()

    def last_error(self) -> str:
        """Return the first error since `mark` (later ones only say that loading failed), else the last line; readable for people."""
        with self._lock:
            errors = [line for level, line in self._lines if level >= 4]
            return plain_reason(errors[0] if errors else (self._lines[-1][1] if self._lines else ""))

    def find(self, text: str) -> str | None:
        """Return the last line since `mark` that contains `text`."""
        with self._lock:
            return next((line for _, line in reversed(self._lines) if text in line), None)

    def receive(self, level: int, text: bytes | None, _data: object) -> None:
        """Take a line from native threads. Level 5 continues the previous line."""
        with self._lock:
            if level != 5:
                self._level = level
            self._partial += (text or b"").decode("utf-8", "replace")
            *lines, self._partial = self._partial.split("\n")
            lines = [line for line in map(without_codes, lines) if line.strip(" .")]
            said = [(1 if line.strip().endswith(_STOPPED) else self._level, line.strip()) for line in lines]
            self._lines.extend(said)
        for level, line in said:
            _log.log(_LEVELS.get(level, logging.DEBUG), "%s", line)


@cache
def start() -> NativeLog:
    """Start llama.cpp, once for the process."""
    log = NativeLog()
    log.install()
    lib.llama_backend_init()
    return log


@cache
def multimodal() -> Any:
    """Return mtmd, llama.cpp's library for images. Raises ModelFailed for a build without it."""
    try:
        from llama_cpp import mtmd_cpp
    except (ImportError, OSError, RuntimeError) as problem:
        raise ModelFailed("llama.cpp was built without its library for images. Run ./portal install, which builds it again.") from problem
    log = start()
    mtmd_cpp.mtmd_log_set(log.callback, ctypes.c_void_p(0))
    mtmd_cpp.mtmd_helper_log_set(log.callback, ctypes.c_void_p(0))
    return mtmd_cpp


def has_multimodal() -> bool:
    """Tell whether this build of llama.cpp has its library for images."""
    return any(LIBRARY_FOLDER.glob("libmtmd.*"))


@cache
def short_call(name: str, result: Any, *arguments: Any) -> Any:
    """Return a function of libllama that keeps the interpreter's lock."""
    function = getattr(ctypes.PyDLL(str(LIBRARY_FOLDER / "libllama.so")), name)
    function.restype, function.argtypes = result, arguments
    return function


def forgetting() -> Any:
    """Return llama_memory_seq_rm(memory, slot, from, to), which takes microseconds."""
    return short_call("llama_memory_seq_rm", ctypes.c_bool, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32)


@cache
def _ggml() -> tuple[Any, Any]:
    """Return libggml (the registry of devices) and libggml-base (the facts of a device)."""
    registry = ctypes.CDLL(str(LIBRARY_FOLDER / "libggml.so"))
    base = ctypes.CDLL(str(LIBRARY_FOLDER / "libggml-base.so"))
    registry.ggml_backend_dev_count.restype = ctypes.c_size_t
    registry.ggml_backend_dev_get.restype = ctypes.c_void_p
    registry.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    for name in ("ggml_backend_dev_name", "ggml_backend_dev_description"):
        getattr(base, name).restype = ctypes.c_char_p
        getattr(base, name).argtypes = [ctypes.c_void_p]
    base.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    base.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return registry, base


def gpus() -> list[Gpu]:
    """Return the GPUs that llama.cpp sees; none for a build without GPU support."""
    start()
    registry, base = _ggml()
    gpus = []
    for index in range(registry.ggml_backend_dev_count()):
        device = registry.ggml_backend_dev_get(index)
        if base.ggml_backend_dev_type(device) != 1:
            continue
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        base.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        name, description = base.ggml_backend_dev_name(device), base.ggml_backend_dev_description(device)
        gpus.append(Gpu(name.decode(), description.decode("utf-8", "replace"), free.value, total.value))
    return gpus


def memory_taken() -> int:
    """Return the bytes that this process holds, and those that anybody takes of the GPUs."""
    return machine.resident_bytes() + sum(gpu.total_bytes - gpu.free_bytes for gpu in gpus())


_abort_callback: Any = None


def on_abort(report: Callable[[str], None] | None) -> None:
    """Call `report` with llama.cpp's last words before it aborts the process; None: it prints them itself."""
    global _abort_callback
    # Through libllama: the library it is linked to may be another file than the libggml-base.so beside it.
    library = ctypes.CDLL(str(LIBRARY_FOLDER / "libllama.so"))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
    # Kept here: it is called even after it was freed.
    _abort_callback = kind(lambda words: report((words or b"").decode("utf-8", "replace"))) if report else kind()
    library.ggml_set_abort_callback.argtypes = [kind]
    library.ggml_set_abort_callback(_abort_callback)


def give_memory_back() -> None:
    """Return freed memory to the system: glibc keeps much of it for threads that are gone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def machine_has_nvidia_gpu() -> bool:
    """Tell whether the driver shows a GPU, even if this build of llama.cpp cannot use it."""
    return any(Path(path).exists() for path in ("/dev/nvidia0", "/proc/driver/nvidia/gpus"))
