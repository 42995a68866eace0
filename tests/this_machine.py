"""What this machine can do with llama.cpp. Every test that loads a model takes its options from here.

Without a note of the installation, the ladder of trials runs once for the session.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import settings
from bootstrap import models as model_parts
from core.models.load_settings import LoadSettings
from models.engine.llama.options import BackendOptions
from models.gguf.facts import ModelFacts
from models.gguf.headers.header import read_header
from models.gguf.memory_plan import LoadPlan, plan_load

EXTRA_BUFFERS = model_parts.extra_buffers(settings.load().home)
"""False where the CPU announces what its host refuses: llama.cpp would die of it (see docs/architecture.md)."""
_plain: dict[object, bool] = {}
"""Architecture to whether its files load without repacked weights only: AMX buffers cannot hold deepseek2."""


def load_options(path: Path, **options: Any) -> BackendOptions:
    """Return the options that load this file here. options: of BackendOptions."""
    return for_file(path, BackendOptions(**options))


def plan_here(facts: ModelFacts, asked: LoadSettings, *, mtp: bool = False) -> LoadPlan:
    """Return the plan that the portal would load this file with here."""
    plan = plan_load(facts, asked, mtp=mtp)
    return replace(plan, options=for_file(facts.file.path, plan.options))


def for_file(path: Path, options: BackendOptions) -> BackendOptions:
    """Return the same options, with repacked weights only where the machine and the file's architecture can have them."""
    if not EXTRA_BUFFERS:
        return replace(options, extra_buffers=False)
    architecture = read_header(path).metadata.get("general.architecture")
    if architecture not in _plain:
        found = model_parts.loadable(settings.load().home, path, replace(options, adapters=()))
        _plain[architecture] = not found.extra_buffers
    return replace(options, extra_buffers=not _plain[architecture])
