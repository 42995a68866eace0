"""Remember how much memory each load really took, so that the next plan of the same load is correct."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Lock

from core.models.load_settings import LoadSettings
from core.models.memory_records import MemoryPlan
from models.gguf.facts import ModelFacts
from models.gguf.memory_plan import LoadPlan
from models.serving.state_files.remembered_settings import write_json
from models.serving.swapping.file_stamps import stamps_of

MAX_LOADS = 500
"""Number of loads; the one measured longest ago is forgotten first."""
_PASSING = ("offload_bytes", "extra_buffers", "adapters")
"""Options that depend on free memory or are chosen by the loader; adapters are identified by their files."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurement of a load, in bytes: what the first plan predicted, and the most that a load took."""

    predicted: int
    measured: int


class MeasuredMemory:
    """Remembers measurements. Safe from any thread. A file that cannot be read or written is ignored."""

    def __init__(self, path: Path, machine: str) -> None:
        """machine: see `machine_trial.identity`; measurements of another machine do not count."""
        self._path = path
        self._machine = machine
        self._lock = Lock()

    def corrected(self, facts: ModelFacts, settings: LoadSettings, plan: LoadPlan) -> LoadPlan:
        """Return the plan with the measured memory of the same load, if known."""
        with self._lock:
            known = self._read().get(_key(facts, settings, plan))
        return plan if known is None else replace(plan, memory=_with(plan.memory, known.measured))

    def keep(self, facts: ModelFacts, settings: LoadSettings, plan: LoadPlan, measured: int) -> None:
        """Record what a load took: the maximum of all loads is kept, and the first prediction stays."""
        with self._lock:
            known, key = self._read(), _key(facts, settings, plan)
            before = known.pop(key, None)
            first = before or Measured(plan.memory.needed_bytes, 0)
            known[key] = Measured(first.predicted, max(first.measured, measured))
            loads = {name: asdict(each) for name, each in list(known.items())[-MAX_LOADS:]}
            try:
                write_json(self._path, {"machine": self._machine, "loads": loads})
            except OSError as problem:
                _log.warning("what %s took could not be noted: %s", facts.file.name, problem)

    def _read(self) -> dict[str, Measured]:
        try:
            noted = json.loads(self._path.read_text("utf-8"))
            if noted["machine"] != self._machine:
                return {}
            return {key: Measured(int(each["predicted"]), int(each["measured"])) for key, each in noted["loads"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def _key(facts: ModelFacts, settings: LoadSettings, plan: LoadPlan) -> str:
    """Return a key that names the file as it is on disk, and how it is loaded."""
    options = {name: value for name, value in asdict(plan.options).items() if name not in _PASSING}
    adapters = [(str(adapter.path), adapter.scale) for adapter in settings.adapters]
    named = [[str(part) for part in facts.parts], stamps_of(facts.parts), options, plan.memory.device, adapters, settings.isolated]
    return sha256(json.dumps(named, default=str).encode()).hexdigest()[:24]


def _with(memory: MemoryPlan, measured: int) -> MemoryPlan:
    """Return the plan with `measured` bytes in total; the error of the estimate counts as work space."""
    weights = min(memory.weights_bytes, measured)
    context = min(memory.context_bytes, measured - weights)
    work = measured - weights - context
    return replace(memory, weights_bytes=weights, context_bytes=context, work_bytes=work, measured=True)
