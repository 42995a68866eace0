"""Threads on which answers are begun: to read a prompt takes long enough that a crowd of questions would hold up every list and page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
_THREADS = ThreadPoolExecutor(4, "begin-answer")
"""Apart from the threads that routes and pages share. More would only take the interpreter from them."""


async def begun(start: Callable[[], T]) -> T:
    """What `start` returns, called on one of these threads, in the order of the calls."""
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: context.run(start))
