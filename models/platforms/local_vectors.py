"""Compute vectors with a model in this process: texts become tokens, tokens become rows."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from core.errors import InvalidInput, ModelFailed
from core.inference.records import Routing
from core.inference.vectors import Embedded, EmbeddingRequest, InputTooLong, RerankRequest
from models import machine
from models.child.embedder import ChildEmbedder
from models.embedding.embedding_engine import EmbeddingEngine, Job
from models.embedding.llama_embedder import LlamaEmbedder, Rows
from models.engine.stats.metrics import EngineMetrics
from models.gguf.facts import ModelFacts
from models.prompting.marked_text import CUT, MarkedText

FILL_ON_CPU, FILL_ON_GPU = 512, 2_048
"""Tokens in a batch of short texts."""
MAX_TOKENS = 500_000
"""Most tokens in one request."""
CHILD_END_S = 2.0
"""Seconds that a process may take to end when asked; then it is killed."""
_SOFTMAX = ("qwen3", "qwen3vl")
"""Rerankers whose head gives probabilities, the one of "yes" first; the others give one unbounded number."""


class RunningVectors:
    """Fulfils core's RunningEmbedding."""

    platform = "local"
    routing: Routing | None = None

    def __init__(self, owner: EmbeddingPlatform, job: Job, dimensions: int | None) -> None:
        self.model, self.model_version = owner.facts.file.name, owner.version
        self._owner, self._job, self._dimensions = owner, job, dimensions

    def result(self) -> Embedded:
        return self._owner.finished(self._job.wait(), self._dimensions)

    def cancel(self) -> None:
        self._owner.engine.cancel(self._job)


class EmbeddingPlatform:
    """One loaded embedding or reranking model. Safe from any thread."""

    def __init__(self, facts: ModelFacts, version: str, embedder: LlamaEmbedder | ChildEmbedder) -> None:
        """Raise ModelFailed if the model classifies texts instead of ranking them; the caller then closes the embedder."""
        self.facts = facts
        self.version = version
        self.embedder = embedder
        self._softmax = facts.file.architecture in _SOFTMAX
        if embedder.ranks and embedder.width != 1 and not self._softmax:
            raise ModelFailed("{model} sorts texts into {n} classes; it is not a reranking model.", model=facts.file.name, n=embedder.width)
        self._marked = MarkedText(embedder.control_markers())
        bare, framed = embedder.tokenize("a"), embedder.tokenize("a", framed=True)
        begin = next((index for index in range(len(framed)) if framed[index : index + len(bare)] == bare), 0)
        self._before, self._after = framed[:begin], framed[begin + len(bare) :]
        self._pair = embedder.pair_tokens()
        self.engine = EmbeddingEngine(embedder, facts.file.name, FILL_ON_GPU if embedder.options.gpu_layers else FILL_ON_CPU)
        self.engine.start()

    def embed(self, request: EmbeddingRequest) -> RunningVectors:
        """Raises InputTooLong, InvalidInput, Busy, Unavailable."""
        if request.dimensions is not None and request.dimensions > self.embedder.width:
            raise InvalidInput("{name} must be at most {high} with this model.", name="dimensions", high=self.embedder.width)
        texts = (self._read(index, one, truncate=request.truncate) for index, one in enumerate(request.inputs))
        return RunningVectors(self, self.engine.submit(_bounded(texts)), request.dimensions)

    def rerank(self, request: RerankRequest) -> RunningVectors:
        """Raises as embed."""
        put_together = self.by_template if self.facts.rerank_template else self._by_marks
        pairs = (
            put_together(request.query, document, f"documents.{index}", request.truncate)
            for index, document in enumerate(request.documents)
        )
        return RunningVectors(self, self.engine.submit(_bounded(pairs)), None)

    def _read(self, index: int, one: str | tuple[int, ...], *, truncate: bool) -> list[int]:
        if isinstance(one, str):
            return self._fitted(self._before, self._plain(one), self._after, f"input.{index}", truncate)
        if max(one) >= self.embedder.vocabulary:
            raise InvalidInput("{field} contains a number that is not a token id.", field=f"input.{index}")
        return self._fitted([], list(one), [], f"input.{index}", truncate)

    def _by_marks(self, query: str, document: str, field: str, truncate: bool) -> list[int]:
        begin, between, end = self._pair
        return self._fitted(begin + self._plain(query) + between, self._plain(document), end, field, truncate)

    def by_template(self, query: str, document: str, field: str, truncate: bool) -> list[int]:
        """Tokenize a prompt: the template's markers become tokens; markers that someone typed stay text."""
        template = self.facts.rerank_template or ""
        query, document = self._marked.defused(query), self._marked.defused(document)
        whole = self._tokens(_filled(template, query, document))
        if len(whole) <= self.embedder.context:
            return whole
        head, found, tail = template.partition("{document}")
        if not found:
            raise InputTooLong(field, len(whole), self.embedder.context)
        parts = (self._tokens(_filled(part, query, "")) for part in (head, tail))
        return self._fitted(next(parts), self._tokens(document), next(parts), field, truncate)

    def _fitted(self, before: list[int], middle: list[int], after: list[int], field: str, truncate: bool) -> list[int]:
        """Join the parts; the middle one is cut at its end if needed. Raises InputTooLong."""
        room = self.embedder.context - len(before) - len(after)
        if room < len(middle) and (not truncate or room < 1):
            raise InputTooLong(field, len(before) + len(middle) + len(after), self.embedder.context)
        together = before + middle[:room] + after
        if not together:
            raise InvalidInput("{field} is empty.", field=field)
        return together

    def _plain(self, text: str) -> list[int]:
        return self.embedder.tokenize(text.encode("utf-8", "replace").decode())  # half a surrogate pair has no bytes

    def _tokens(self, text: str) -> list[int]:
        return [token for piece in text.split(CUT) if piece for token in self.embedder.tokenize(piece, special=True)]

    def finished(self, done: Embedded, dimensions: int | None) -> Embedded:
        """Return vectors of length 1, or relevances from 0 to 1."""
        rows = np.array(done.rows, np.float32)
        if self.embedder.ranks:
            rows = rows[:, :1] if self._softmax else _sigmoid(rows)
        else:
            rows = rows[:, :dimensions]
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return replace(done, rows=tuple(array("f", row.tobytes()) for row in np.ascontiguousarray(rows, np.float32)))

    @property
    def own_process_bytes(self) -> int:
        """Return the memory of the model's own process; 0 where it runs in this one."""
        pid = self.embedder.pid if isinstance(self.embedder, ChildEmbedder) else None
        return machine.resident_bytes(pid) if pid else 0

    @property
    def idle(self) -> bool:
        return self.engine.idle

    def metrics(self) -> EngineMetrics:
        return self.engine.metrics()

    def restart(self) -> bool:
        """End the model's own process, which is then started again; returns False where it runs in this one."""
        if not isinstance(self.embedder, ChildEmbedder):
            return False
        self.embedder.restart()
        return True

    def close(self, timeout: float = 30.0) -> bool:
        """Fail what still runs and free the memory; returns whether it is free."""
        if self.engine.close(timeout):
            return True
        # A separate process can always be ended.
        return isinstance(self.embedder, ChildEmbedder) and self.embedder.close(CHILD_END_S)


def _bounded(texts: Iterable[list[int]]) -> list[list[int]]:
    """Add up tokens, and stop at the limit: a long query beside each of many documents becomes far more than was sent."""
    taken: list[list[int]] = []
    left = MAX_TOKENS
    for tokens in texts:
        left -= len(tokens)
        if left < 0:
            raise InvalidInput("The texts have more than {most} tokens in total. Send fewer at a time.", most=f"{MAX_TOKENS:,}")
        taken.append(tokens)
    return taken


def _filled(template: str, query: str, document: str) -> str:
    """Fill the template in one pass: a query that contains the word {document} keeps it."""
    words = {"{query}": query, "{document}": document}
    return "".join(words.get(part, part) for part in re.split(r"({query}|{document})", template))


def _sigmoid(rows: Rows) -> Rows:
    return (1 / (1 + np.exp(-np.clip(rows.astype(np.float64), -80, 80)))).astype(np.float32)
