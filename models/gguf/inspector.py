"""Read a model file for a report: header, tensors, tokenizer, chat template, and known faults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from core.errors import StoredError
from core.inference.requests import ChatMessage, ChatRole, Tool
from core.models.catalogue import Capability
from core.models.records import ModelKind
from core.models.report_records import FileFindings, Sample, TensorShare
from core.transfers.remote_models import is_projector
from models.engine.llama import native
from models.gguf.facts import ModelFacts, read_facts
from models.gguf.headers.header import Header, Value
from models.prompting.chat_template import ChatTemplate

MAX_VALUE_LENGTH = 200
"""Longest text of a header value that is shown."""
_TEMPLATE = "tokenizer.chat_template"
_SIGMOID = 2
"""llama.cpp's LLAMA_EXPERT_GATING_FUNC_TYPE_SIGMOID."""
_NVIDIA = Path("/proc/driver/nvidia/version")
_WEATHER = Tool(
    name="get_weather",
    description="Get the weather of a city.",
    parameters='{"type": "object", "properties": {"city": {"type": "string"}}}',
)
_TALK = (
    ChatMessage(ChatRole.SYSTEM, "You are a helpful assistant."),
    ChatMessage(ChatRole.USER, "What is the weather in Beijing?"),
)


class Inspector:
    """Implements core's FileInspector."""

    def __init__(self, nvidia: Path = _NVIDIA) -> None:
        """nvidia: a path that exists if the machine has a driver for NVIDIA's GPUs."""
        self._nvidia = nvidia

    def inspect(self, path: Path) -> FileFindings:
        facts = read_facts(path)
        header = facts.headers[0]
        return FileFindings(
            file=facts.file,
            title=facts.title,
            parts=len(facts.parts),
            metadata={key: _shown(header, key) for key in sorted({*header.metadata, *header.array_lengths}) if key != _TEMPLATE},
            tensors=_shares(facts),
            tokenizer=_tokenizer(header, facts),
            template=facts.template,
            capabilities=_capabilities(facts),
            warnings=tuple(self._warnings(facts, header)),
        )

    def preview(self, path: Path, sample: Sample) -> str:
        facts = read_facts(path)
        template = ChatTemplate(facts.template, facts.file.name)
        try:
            tools = (_WEATHER,) if sample is Sample.TOOLS else ()
            return template.render(_TALK, thinking=sample is not Sample.NO_THINKING, tools=tools).text
        finally:
            template.close()

    def _warnings(self, facts: ModelFacts, header: Header) -> Iterator[tuple[StoredError, StoredError]]:
        again = StoredError("Download a newer file of this model.")
        architecture = facts.file.architecture
        if facts.file.kind is ModelKind.CHAT and facts.template is None:
            yield (
                StoredError("It has no chat template, so the portal uses the plain form of GLM-4. Tools and thinking may not work."),
                StoredError("Download a file of this model that has one."),
            )
        if facts.file.kind is ModelKind.CHAT and "tokenizer.ggml.eos_token_id" not in header.metadata:
            yield StoredError("It names no token that ends an answer (tokenizer.ggml.eos_token_id). Answers may not stop."), again
        rotated = header.metadata.get(f"{architecture}.rope.dimension_count")
        if architecture == "glm4" and isinstance(rotated, int) and rotated * 2 != facts.key_length:
            words = (
                "It rotates {found} of {all} values of each head; GLM-4 rotates half. Files made before 20 April 2025 are like this and "
                "give wrong answers."
            )
            yield StoredError(words, {"found": rotated, "all": facts.key_length}), again
        gating = header.metadata.get(f"{architecture}.expert_gating_func")
        if architecture == "deepseek2" and isinstance(gating, int) and gating != _SIGMOID and "glm" in facts.title.lower():
            words = (
                "It chooses experts by softmax instead of sigmoid. Files made before 21 January 2026 are like this and repeat themselves."
            )
            yield StoredError(words), again
        if self._nvidia.exists() and not native.gpus():
            yield (
                StoredError("This machine has an NVIDIA GPU, but llama.cpp was built for the CPU only."),
                StoredError("Install the CUDA toolkit, then type ./portal run: it builds llama.cpp for the GPU."),
            )


def _shares(facts: ModelFacts) -> tuple[TensorShare, ...]:
    sizes: dict[str, list[int]] = defaultdict(list)
    for header in facts.headers:
        for tensor in header.tensors:
            sizes[tensor.type].append(tensor.size)
    shares = [TensorShare(name, len(each), sum(each)) for name, each in sizes.items()]
    return tuple(sorted(shares, key=lambda share: -share.size_bytes))


def _tokenizer(header: Header, facts: ModelFacts) -> dict[str, str]:
    prefix = "tokenizer.ggml."
    wanted = ("model", "pre", "bos_token_id", "eos_token_id", "eot_token_id", "padding_token_id", "add_bos_token")
    found = {name: _shown(header, prefix + name) for name in wanted if prefix + name in header.metadata}
    return {"tokens": str(facts.vocabulary), **found}


def _capabilities(facts: ModelFacts) -> frozenset[Capability]:
    found = {Capability.THINKING} if facts.file.thinking else set()
    if facts.template and "tools" in facts.template:
        found.add(Capability.TOOLS)
    folder = facts.file.path.parent
    if any(is_projector(path.name) for path in folder.glob("*.gguf")) and folder.name.lower() != "models":
        found.add(Capability.VISION)
    return frozenset(found)


def _shown(header: Header, key: str) -> str:
    if key in header.array_lengths:
        return f"[{header.array_lengths[key]}]"
    value: Value | None = header.metadata.get(key)
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_VALUE_LENGTH else text[:MAX_VALUE_LENGTH] + "…"
