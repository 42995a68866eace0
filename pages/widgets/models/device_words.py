"""Say in the person's language what a model computes on."""

from __future__ import annotations

import re

from pages.shell.words import t

_CPU = re.compile(r"CPU, (\d+) threads?")


def device_word(device: str) -> str:
    """Return a device as people read it. Names of GPUs stay as they are."""
    threads = _CPU.fullmatch(device)
    return t("CPU, {n} threads", n=int(threads[1])) if threads else device
