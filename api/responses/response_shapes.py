"""Build the items of a response and their parts, in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.openai.chat_answer import MIN_LOGPROB
from core.inference.records import Usage
from core.inference.requests import Alternative, TokenLogprob, ToolCall


def message_item(name: str, part: dict[str, Any] | None, status: str) -> dict[str, Any]:
    return {"id": name, "type": "message", "role": "assistant", "status": status, "content": [part] if part is not None else []}


def reasoning_item(name: str, part: dict[str, Any] | None, status: str) -> dict[str, Any]:
    return {"id": name, "type": "reasoning", "summary": [], "status": status, "content": [part] if part is not None else []}


def call_item(name: str, call: ToolCall, status: str) -> dict[str, Any]:
    """Return a tool call; its arguments follow while it is in progress."""
    arguments = call.arguments if status == "completed" else ""
    return {"id": name, "type": "function_call", "status": status, "call_id": call.id, "name": call.name, "arguments": arguments}


def output_text(text: str, logprobs: Sequence[TokenLogprob]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": text_logprobs(logprobs, whole=True)}


def reasoning_text(text: str) -> dict[str, Any]:
    return {"type": "reasoning_text", "text": text}


def text_logprobs(tokens: Sequence[TokenLogprob], *, whole: bool) -> list[dict[str, Any]]:
    """Return the log probabilities of tokens. whole: include the tokens' bytes, which events leave out."""
    return [{**_logprob_out(one, whole=whole), "top_logprobs": [_logprob_out(each, whole=whole) for each in one.top]} for one in tokens]


def usage_of(usage: Usage, thought: int) -> dict[str, Any]:
    """Return the usage. thought: how many tokens had been generated when the reasoning ended."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": min(thought, usage.completion_tokens)},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _logprob_out(token: TokenLogprob | Alternative, *, whole: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"token": token.piece.decode("utf-8", "replace"), "logprob": max(token.logprob, MIN_LOGPROB)}
    return {**entry, "bytes": list(token.piece)} if whole else entry
