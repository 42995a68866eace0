"""Start answers on separate threads: tokenizing prompts takes long enough to hold up every list and page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
_THREADS = ThreadPoolExecutor(4, "begin-answer")
"""Separate from the threads that routes and pages share. More threads would only compete for the interpreter."""


async def begun(start: Callable[[], T]) -> T:
    """Call `start` on one of these threads, in the order of the calls, and return its result."""
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: context.run(start))
