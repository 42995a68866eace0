"""Answer with a loaded model: messages become a prompt, the prompt tokens, tokens events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from core.errors import InvalidInput, NotFound
from core.inference.requests import ChatMessage, GenerationRequest, PromptTokens, SamplingParams, ToolChoice
from models import machine
from models.child.model import ChildModel
from models.engine.engine import Engine
from models.engine.images import PromptImage
from models.engine.kv_cache.offload_files import OffloadFiles
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.last_step import LastStep
from models.engine.sampling.sampler import Resolved, ThinkingTags, recommended, resolve
from models.engine.sampling.steering import needs_steering
from models.engine.sequence import Sequence
from models.engine.stats.metrics import EngineMetrics
from models.gguf.adapters import ChosenAdapter
from models.gguf.facts import ModelFacts
from models.grammar.reader import check_grammar
from models.platforms.local_generation import LocalGeneration
from models.platforms.prefetch import Prefetcher, Turn
from models.platforms.prompts import Prompts, Reading
from models.prompting.answer_reader import AnswerReader
from models.prompting.call_grammar import may_call, must_call
from models.prompting.chat_template import ChatTemplate
from models.prompting.reasoning import CLOSE, OPEN, ReasoningParser
from models.prompting.tool_calls import ToolCallParser
from models.schema.json_schema import Followed, grammar_of

DEFAULT_MAX_TOKENS = 4096
"""Limit of an answer whose request sets none, so that an endless answer cannot hold a slot forever."""


class LocalPlatform:
    """One loaded model. Safe from any thread."""

    platform = "local"

    def __init__(
        self,
        facts: ModelFacts,
        version: str,
        backend: LlamaBackend | ChildModel,
        template: ChatTemplate,
        adapters: tuple[ChosenAdapter, ...] = (),
        files: OffloadFiles | None = None,
        last_step: LastStep | None = None,
        max_wait_s: float | None = None,
    ) -> None:
        """backend: a model in this process, which gets an engine here, or one that runs with its engine in a separate process. files,
        last_step, max_wait_s: for the engine here: disk space for conversations that do not fit into memory, where it notes its steps,
        and see Scheduler.
        """
        self.facts = facts
        self.version = version
        self._adapters = {adapter.name: adapter for adapter in adapters}
        self.backend = backend
        self._template = template
        self._engine = (
            backend
            if isinstance(backend, ChildModel)
            else Engine(backend, facts.file.name, last_error=backend.last_error, files=files, last_step=last_step, max_wait_s=max_wait_s)
        )
        name = f"{facts.file.name} {facts.title}"
        self._defaults = recommended(facts.file.architecture, name)
        self._tool_defaults = recommended(facts.file.architecture, name, tools=True)
        self._prompts = Prompts(backend, template, facts.file.name)
        self._prefetcher = Prefetcher(facts.file.name, backend.slots, self._prompts.expected, self._engine.prefetch)
        self._engine.start()

    def check_room(self, user_id: str, *, batch: bool = False) -> None:
        """Raise Busy where a question of this user would be refused now."""
        self._engine.check_room(user_id, batch=batch)

    def start(self, request: GenerationRequest) -> LocalGeneration:
        """Render, tokenize and queue. Raises NotFound (no such adapter), PromptTooLong, InvalidInput, Busy, Unavailable."""
        adapter = self._adapter(request.adapter) if request.adapter else None
        self._engine.check_room(request.user_id, batch=request.batch)
        reading = self._prompts.read(request)
        followed = self._followed(request)
        params = self._resolved(request, reading, followed.grammar if followed else None)
        calls = ToolCallParser(request.tools, forced=request.tool_choice is not ToolChoice.AUTO) if reading.tools else None
        reader = AnswerReader(ReasoningParser(inside=reading.inside_thinking, verbatim=reading.verbatim), calls)
        key = adapter.key if adapter else 0
        sequence = self.submit(
            reading.tokens, params, request.user_id, batch=request.batch, adapter=key, label=request.id, images=reading.images
        )

        def ended(answer: ChatMessage, sequence: Sequence) -> None:
            turn = Turn(
                messages=(*reading.messages, self._prompts.defused(answer)),
                thinking=request.thinking,
                tools=reading.tools,
                tokens=tuple(sequence.tokens),
            )
            self._prefetcher.after(turn)

        on_end = None if request.batch or reading.verbatim or reading.images else ended
        return LocalGeneration(
            self, sequence, params, reader,
            name=self.facts.file.name, version=self.version, device=self.platform,
            guard=request.guard, adapter=adapter, ended=on_end, ignored=followed.ignored if followed else (),
        )  # fmt: skip

    def submit(
        self,
        tokens: list[int],
        params: Resolved,
        user_id: str,
        *,
        batch: bool = False,
        adapter: int = 0,
        label: str = "",
        images: tuple[PromptImage, ...] = (),
    ) -> Sequence:
        """Queue an answer to a prompt of tokens, which must leave room for one. adapter: a key, 0: none. Raises Busy, Unavailable."""
        most = params.max_tokens or 1
        if isinstance(self._engine, ChildModel):
            return self._engine.submit(tokens, params, most, user_id, batch=batch, adapter=adapter, label=label)
        return self._engine.submit(tokens, params, most, user_id, batch=batch, adapter=adapter, label=label, images=images)

    def _adapter(self, name: str) -> ChosenAdapter:
        known = self._adapters.get(name)
        if known is None:
            raise NotFound(
                "The model {model} has no adapter {adapter}. Choose one of: {adapters}.",
                model=self.facts.file.name, adapter=name[:80], adapters=", ".join(self._adapters) or "none",
            )  # fmt: skip
        return known

    def tokenize(self, text: str) -> list[int]:
        return self.backend.tokenize(text)

    def prompt_tokens(self, request: GenerationRequest) -> PromptTokens:
        """Return the tokens that the model would read. Raises InvalidInput, Unavailable."""
        return self._prompts.prompt_tokens(request)

    def pieces(self, tokens: Iterable[int]) -> PromptTokens:
        """Return the text of tokens. Raises InvalidInput for a number that is not a token of the model."""
        return self._prompts.pieces(list(tokens))

    def _resolved(self, request: GenerationRequest, reading: Reading, grammar: str | None) -> Resolved:
        asked = replace(request.params, grammar=grammar, json_schema=None)
        room = self.backend.context - len(reading.tokens)
        thinks = not reading.verbatim and (reading.inside_thinking or self.facts.file.thinking)
        tags = None
        if needs_steering(asked) and request.thinking and thinks:
            opening, closing = self.backend.tokenize(OPEN), self.backend.tokenize(CLOSE)
            tags = ThinkingTags(tuple(opening), tuple(closing), reading.inside_thinking)
        default = self._tool_defaults if request.tools else self._defaults
        return resolve(asked, default, min(asked.max_tokens or DEFAULT_MAX_TOKENS, room), tags)

    def _followed(self, request: GenerationRequest) -> Followed | None:
        """Return the grammar that the answer must follow, whether a grammar, a schema or a tool asks for it.

        Raises InvalidInput if it cannot be used.
        """
        params, found = request.params, None
        tagged = "<arg_key>" in self._template.source
        if params.grammar is not None:
            found = Followed(check_grammar(params.grammar))
        elif params.json_schema is not None:
            found = grammar_of(params.json_schema, strict=params.strict_schema)
        if request.tools and request.tool_choice is ToolChoice.REQUIRED:
            if found is not None:
                raise InvalidInput("An answer cannot both follow a format and call a tool. Request one of them.")
            wanted = [tool for tool in request.tools if request.required_tool in (None, tool.name)]
            found = must_call(wanted, tagged=tagged)
        elif found is None and request.tool_choice is ToolChoice.AUTO and any(tool.strict for tool in request.tools):
            found = may_call(request.tools, tagged=tagged)
        if found is not None:
            self.backend.prepare_grammar(found.grammar)
        return found

    @property
    def sees(self) -> bool:
        """Tell whether it sees images: a projector is loaded with it."""
        return not isinstance(self.backend, ChildModel) and self.backend.projector is not None

    @property
    def own_process_bytes(self) -> int:
        """Return the memory of the model's own process; 0 where it runs in this one."""
        pid = self.backend.pid if isinstance(self.backend, ChildModel) else None
        return machine.resident_bytes(pid) if pid else 0

    @property
    def defaults(self) -> SamplingParams:
        """Return the sampling that the model's family recommends."""
        return self._defaults

    @property
    def idle(self) -> bool:
        return self._engine.idle

    def metrics(self) -> EngineMetrics:
        return self._engine.metrics()

    def restart(self) -> bool:
        """End the model's own process, which is then started again; returns False where it runs in this one."""
        if not isinstance(self.backend, ChildModel):
            return False
        self.backend.restart()
        return True

    def cancel(self, sequence: Sequence) -> None:
        self._engine.cancel(sequence)

    def close(self, timeout: float = 30.0) -> bool:
        """Fail what still runs and free the memory; returns whether it is free."""
        self._prefetcher.close()
        self._template.close()
        return self._engine.close(timeout)
