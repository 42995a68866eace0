"""What the installation found out about this machine."""

from __future__ import annotations

import settings
from bootstrap import models as model_parts

EXTRA_BUFFERS = model_parts.extra_buffers(settings.load().home)
"""False where the CPU announces what its host refuses: llama.cpp would die of it (see docs/architecture.md)."""
