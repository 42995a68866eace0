"""Run a model for vectors in its process: the main thread reads requests and tokenizes, another one computes.

The portal decides which texts make a batch, as it does for a model in its own process.
"""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from models.child.wire import Channel, Message, answer_call
from models.embedding.llama_embedder import LlamaEmbedder
from models.engine.llama.options import BackendOptions

CLOSE_S = 20.0


class VectorHost:
    def __init__(self, channel: Channel, first: Message, progress: Callable[[float], bool]) -> None:
        """Loads the model. Raises ModelFailed."""
        self._channel = channel
        embedder = self._embedder = LlamaEmbedder(Path(first["path"]), BackendOptions(**first["options"]), progress)
        self._batches: SimpleQueue[tuple[int, list[Any]] | None] = SimpleQueue()
        self.ready = {
            "vocabulary": embedder.vocabulary,
            "width": embedder.width,
            "ranks": embedder.ranks,
            "markers": embedder.control_markers(),
            "pair": embedder.pair_tokens(),
        }

    def run(self) -> None:
        """Answer requests until the portal asks to close. Ends the process at once if the portal is gone."""
        calls: dict[str, Callable[..., object]] = {"tokenize": self._tokenize, "logged": self._embedder.logged}
        worker = threading.Thread(target=self._work, name="compute", daemon=True)
        worker.start()
        while True:
            message = self._channel.receive()
            match message:
                case None:
                    os._exit(1)
                case {"call": int(number), "name": "compute", "args": list(arguments)}:
                    self._batches.put((number, arguments))
                case {"call": int(number), "name": str(name), "args": list(arguments)}:
                    answer_call(self._channel, number, calls[name], arguments)
                case {"abort": bool(now)}:
                    self._embedder.abort(now)
                case {"close": True}:
                    break
                case _:
                    raise ValueError(f"an unknown message with {list(message)[:3]}")
        self._embedder.abort(True)
        self._batches.put(None)
        worker.join(CLOSE_S)

    def _tokenize(self, text: str, special: bool, framed: bool) -> list[int]:
        return self._embedder.tokenize(text, special=special, framed=framed)

    # The worker

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            number, arguments = batch
            answer_call(self._channel, number, self._compute, arguments)
        self._embedder.close()

    def _compute(self, texts: list[list[int]]) -> str | None:
        rows = self._embedder.compute(texts)
        return None if rows is None else base64.b64encode(rows.tobytes()).decode()
