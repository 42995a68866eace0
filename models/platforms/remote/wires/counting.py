"""Estimate tokens before a server counts them, or where it never does.

GLM-4's tokenizer makes about 4 characters of English, and 1.6 Chinese characters, into a token.
"""

from __future__ import annotations

import re

from core.images.fitting import tokens_of
from core.inference.requests import GenerationRequest

_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
PER_MESSAGE = 4
"""Tokens that a chat template puts around a message."""


def estimate(text: str) -> int:
    """Estimate the tokens of a text."""
    if text.isascii():
        return (len(text) + 3) // 4
    wide = len(_WIDE.findall(text))
    return (len(text) - wide + 3) // 4 + (wide * 5 + 7) // 8


def estimate_prompt(request: GenerationRequest) -> int:
    """Estimate the tokens of a request's prompt."""
    if request.prompt is not None:
        return estimate(request.prompt) if isinstance(request.prompt, str) else len(request.prompt)
    tokens = sum(PER_MESSAGE + estimate(message.content) for message in request.messages)
    tokens += sum(tokens_of(image.width, image.height) for image in request.images if image.is_fitted)
    tokens += sum(estimate(call.arguments) + PER_MESSAGE for message in request.messages for call in message.tool_calls)
    return tokens + sum(estimate(tool.description) + estimate(tool.parameters) + PER_MESSAGE for tool in request.tools)
