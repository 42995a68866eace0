"""Find out what llama.cpp can do on this machine, and write it into the home.

A child process decodes with the built-in model. If it dies or answers wrongly, the next rung of the ladder is tried: the same
build with the weights as they are in the file. `./portal run` adds a last rung, a portable build. Some hosts announce AMX and kill a
process that uses it, by SIGILL or SIGSEGV; other processors have other faults, so every death counts.

Standard library only: `./portal` uses this module before anything is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

RESULT_FILE = "engine.json"
"""The file under the home that keeps the result."""
TRIAL_S = 180
"""Seconds that one trial may take; it takes one."""
_ROOT = Path(__file__).resolve().parents[2]
_CPU = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "CPU implementer", "CPU part", "CPU variant", "Features")
_ENDED_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome of one decode in a child process.

    extra_buffers: whether llama.cpp could repack the weights. report: what the child printed. retryable: it died in native code, hung
    or answered wrongly, so that another rung of the ladder may help.
    """

    ok: bool
    extra_buffers: bool = True
    retryable: bool = False
    report: Mapping[str, object] | None = None
    complaint: str = ""

    @property
    def device(self) -> str:
        return str((self.report or {}).get("device", ""))


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The result of a trial. machine: see `identity`. build: the key of the build that was tried, where `./portal` made it."""

    machine: str
    extra_buffers: bool
    device: str = ""
    tokens_per_second: float = 0.0
    build: str = ""

    @classmethod
    def of(cls, trial: Trial, machine: str, build: str = "") -> TrialResult:
        speed = (trial.report or {}).get("tokens_per_second")
        return cls(machine, trial.extra_buffers, trial.device, float(speed) if isinstance(speed, int | float) else 0.0, build)


def identity(library: Path, cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name this processor together with the llama.cpp in the folder `library`: a result holds for both alone."""
    try:
        first = cpuinfo.read_text("utf-8", "replace").split("\n\n", 1)[0]
    except OSError:
        first = ""
    fields = dict(line.split(":", 1) for line in first.splitlines() if ":" in line)
    facts = [f"{key}: {value.strip()}" for key, value in ((key.strip(), value) for key, value in fields.items()) if key in _CPU]
    try:
        built = sorted(f"{path.name} {path.stat().st_size}" for path in library.iterdir() if path.is_file())
    except OSError:
        built = []
    return hashlib.sha256("\n".join([platform.machine(), *sorted(facts), *built]).encode()).hexdigest()[:16]


def try_decode(
    python: Path, *, extra_buffers: bool = True, environment: Mapping[str, str] | None = None, log: Callable[[str], None] | None = None
) -> Trial:
    """Let a child load the built-in model and decode. log: receives everything it printed."""
    command = [str(python), "-m", "models.trials.self_test", *([] if extra_buffers else ["--no-extra-buffers"])]
    # The child needs none of the portal's secrets.
    given = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")} | dict(environment or {})
    try:
        child = subprocess.run(
            command, cwd=_ROOT, env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=TRIAL_S
        )
    except subprocess.TimeoutExpired:
        return Trial(ok=False, extra_buffers=extra_buffers, retryable=True, report=None, complaint=f"no answer within {TRIAL_S} s")
    if log is not None:
        log(f"\n$ {' '.join(command)}  # ended with {child.returncode}\n{child.stdout}{child.stderr}\n")
    report = _report(child.stdout)
    if child.returncode == 0 and report.get("ok") is True:
        return Trial(ok=True, extra_buffers=extra_buffers, retryable=False, report=report)
    if child.returncode < 0:
        ended = signal.Signals(-child.returncode)
        if ended is signal.SIGKILL:
            return Trial(
                ok=False,
                extra_buffers=extra_buffers,
                retryable=False,
                report=report,
                complaint="it was killed (SIGKILL), most likely because memory ran out",
            )
        return Trial(ok=False, extra_buffers=extra_buffers, retryable=ended not in _ENDED_FROM_OUTSIDE, report=report, complaint=ended.name)
    # Without a report it did not get as far as llama.cpp: a library is missing, or the environment is damaged.
    words = str(report.get("error") or (child.stderr.strip().splitlines() or ["it printed nothing"])[-1]).rstrip(".")
    return Trial(ok=False, extra_buffers=extra_buffers, retryable=bool(report), report=report, complaint=words)


def try_both(attempt: Callable[[bool], Trial]) -> list[Trial]:
    """Try with extra buffers, and without where that may help. The last trial is the outcome."""
    trials = [attempt(True)]
    if not trials[-1].ok and trials[-1].retryable:
        trials.append(attempt(False))
    return trials


def in_words(trials: Sequence[Trial]) -> str:
    """List what was tried and how each trial ended."""
    return "; ".join(f"{'with' if trial.extra_buffers else 'without'} repacked weights: {trial.complaint}" for trial in trials)


def read_trial_result(path: Path) -> TrialResult | None:
    """Read the result; None if there is none, or if an older version wrote it."""
    try:
        written = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(written, dict) or not isinstance(written.get("machine"), str) or not isinstance(written.get("extra_buffers"), bool):
        return None
    known = {field.name for field in fields(TrialResult)}
    return TrialResult(**{key: value for key, value in written.items() if key in known})


def write_trial_result(path: Path, result: TrialResult) -> None:
    """Write the result. Raises OSError."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        fresh.write_text(json.dumps(asdict(result), indent=1), "utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _report(printed: str) -> dict[str, object]:
    try:
        report = json.loads(printed.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
