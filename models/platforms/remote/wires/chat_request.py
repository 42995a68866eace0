"""Write a request in OpenAI's protocol, and list the parameters that the platform does not accept."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from core.errors import InvalidInput
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, Tool, ToolChoice
from core.platforms.records import Platform, RemoteModel

_PLAIN = ("temperature", "top_p", "max_tokens", "seed", "presence_penalty", "frequency_penalty")
_EXTRA = {"top_k": "top_k", "min_p": "min_p", "typical_p": "typical_p", "repeat_penalty": "repetition_penalty", "grammar": "guided_grammar"}
"""Field of SamplingParams, and what vLLM, SGLang and gateways call it."""


def chat_body(request: GenerationRequest, model: RemoteModel, platform: Platform) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the body of a streamed chat completion, and the names of what was dropped. Raises InvalidInput."""
    body: dict[str, Any] = {
        "model": model.id,
        "messages": [message_of(each) for each in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    dropped = [*_sampling(body, request, platform), *_tools(body, request, platform), *_thinking(body, request, model, platform)]
    if request.adapter:
        dropped.append("adapter")
    return body, tuple(dropped)


def check_chat(request: GenerationRequest, platform: str) -> None:
    """Raise InvalidInput for a request that only a model in this process can answer."""
    if request.prompt is not None or request.suffix is not None or request.continued:
        raise InvalidInput(
            "{platform} takes messages only, no raw prompt and no answer to continue. Choose a model of this portal.", platform=platform
        )


def message_of(message: ChatMessage) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role.value, "content": _parts(message) if message.images else message.content}
    if message.role is ChatRole.TOOL:
        found["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in message.tool_calls
        ]
    return found


def _parts(message: ChatMessage) -> list[dict[str, Any]]:
    """Return the images of a message as data URIs, then its text."""
    urls = [f"data:{image.media_type};base64,{b64encode(image.content).decode()}" for image in message.images]
    text = [{"type": "text", "text": message.content}] if message.content else []
    return [*({"type": "image_url", "image_url": {"url": url}} for url in urls), *text]


def _sampling(body: dict[str, Any], request: GenerationRequest, platform: Platform) -> list[str]:
    params, dropped = request.params, []
    for name in _PLAIN:
        value = getattr(params, name)
        if value is None:
            continue
        if name in platform.drops:
            dropped.append(name)
        else:
            body[name] = value
    for name, theirs in _EXTRA.items():
        value = getattr(params, name)
        if value is None:
            continue
        if name in platform.takes:
            body[theirs] = value
        else:
            dropped.append(name)
    if params.stop:
        _put(body, dropped, platform, "stop", "stop", list(params.stop))
    if params.stop_tokens:
        _put_extra(body, dropped, platform, "stop_tokens", "stop_token_ids", list(params.stop_tokens))
    if params.logit_bias:
        _put_extra(body, dropped, platform, "logit_bias", "logit_bias", {str(token): bias for token, bias in params.logit_bias})
    if params.logprobs is not None:
        _put(body, dropped, platform, "logprobs", "logprobs", True)
        if "logprobs" in body:
            body["top_logprobs"] = params.logprobs
    if params.json_schema is not None:
        schema = {"name": "answer", "schema": json.loads(params.json_schema), "strict": params.strict_schema}
        _put(body, dropped, platform, "json_schema", "response_format", {"type": "json_schema", "json_schema": schema})
    if params.thinking_budget is not None:
        dropped.append("thinking_budget")
    return dropped


def _put(body: dict[str, Any], dropped: list[str], platform: Platform, name: str, theirs: str, value: object) -> None:
    if name in platform.drops:
        dropped.append(name)
    else:
        body[theirs] = value


def _put_extra(body: dict[str, Any], dropped: list[str], platform: Platform, name: str, theirs: str, value: object) -> None:
    if name in platform.takes:
        body[theirs] = value
    else:
        dropped.append(name)


def _tools(body: dict[str, Any], request: GenerationRequest, platform: Platform) -> list[str]:
    if not request.tools or request.tool_choice is ToolChoice.NONE:
        return []
    if "tools" in platform.drops:
        return ["tools"]
    # llama-server ignores a choice that names a tool, so the model gets only that tool.
    shown = [each for each in request.tools if request.required_tool in (None, each.name)]
    body["tools"] = [tool_of(each) for each in shown]
    if request.tool_choice is ToolChoice.REQUIRED:
        body["tool_choice"] = "required"
    return []


def tool_of(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": json.loads(tool.parameters)}
    return {"type": "function", "function": function | ({"strict": True} if tool.strict else {})}


def _thinking(body: dict[str, Any], request: GenerationRequest, model: RemoteModel, platform: Platform) -> list[str]:
    """Say whether to think, with the field that the platform knows; models think by default."""
    if "thinking" in platform.takes:
        body["chat_template_kwargs"] = {"enable_thinking": request.thinking}
    elif "thinking_type" in platform.takes:
        body["thinking"] = {"type": "enabled" if request.thinking else "disabled"}
    elif model.thinking and not request.thinking:
        return ["thinking"]
    return []
