"""Compute vectors in a separate process. ChildEmbedder has the methods of LlamaEmbedder."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.errors import PortalError
from models.child.supervised_process import Changed, SupervisedProcess
from models.child.wire import Message
from models.embedding.llama_embedder import Rows, Tokens
from models.engine.llama.options import BackendOptions


class ChildEmbedder(SupervisedProcess):
    """Tokenizing is safe from any thread, `abort` and `close` too; `compute` belongs to one thread."""

    def __init__(
        self,
        name: str,
        path: Path,
        options: BackendOptions,
        progress: Callable[[float], bool] = lambda done: True,
        changed: Changed = lambda state, reason: None,
    ) -> None:
        """As SupervisedProcess. options.slots: texts in one batch."""
        self.options = options
        self.slots, self.context, self.batch_tokens = options.slots, options.context, options.batch_tokens
        self.vocabulary, self.width, self.ranks = 0, 0, False
        self._markers: list[str] = []
        self._pair: tuple[list[int], list[int], list[int]] = ([], [], [])
        super().__init__(name, {"path": str(path.absolute()), "options": asdict(options)}, progress, changed)

    def compute(self, texts: Sequence[Tokens]) -> Rows | None:
        """See LlamaEmbedder.compute. Raises ModelFailed also where the process dies of it."""
        found = self._call("compute", [list(text) for text in texts], most_s=None)
        return None if found is None else np.frombuffer(base64.b64decode(found), np.float32).reshape(len(texts), self.width)

    def abort(self, now: bool) -> None:
        self._send({"abort": now})

    def tokenize(self, text: str, *, special: bool = False, framed: bool = False) -> list[int]:
        return [int(token) for token in self._call("tokenize", text, special, framed)]

    def pair_tokens(self) -> tuple[list[int], list[int], list[int]]:
        return self._pair

    def control_markers(self) -> list[str]:
        return self._markers

    # The watching thread

    def _ready(self, ready: Message) -> None:
        self.vocabulary, self.width, self.ranks = int(ready["vocabulary"]), int(ready["width"]), bool(ready["ranks"])
        self._markers = [str(one) for one in ready["markers"]]
        before, between, after = ready["pair"]
        self._pair = (before, between, after)

    def _receive_message(self, message: Message) -> None:
        """Ignore it: an embedder sends nothing but answers."""

    def _died(self, ended: PortalError) -> str:
        """Do nothing: a batch that it was computing is a call, which fails by itself."""
        return "a batch of texts" if self._calls else ""
