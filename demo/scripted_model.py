"""A server of OpenAI's protocol that gives the prepared answers of samples/talks.py, word by word."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from samples.servers.models.model_server import DONE, Handler, ModelServer, chunk, stream
from samples.talks import TALKS

MODEL = "glm-4.7"
WORD_S = 0.02
OTHERWISE = "I can help with that. Tell me which figures you need and for which day."
_ANSWERS = {talk.question: talk for talk in TALKS}


def scripted_model(word_s: float = WORD_S, otherwise: str = OTHERWISE) -> ModelServer:
    """Start it; the caller closes it. word_s: seconds for each word. otherwise: the answer to questions that nobody prepared."""
    server = ModelServer((MODEL,))

    def behave(handler: Handler) -> None:
        question = str(handler.body["messages"][-1]["content"])
        stream(lambda: _events(question, word_s, otherwise))(handler)

    server.behave = behave
    return server


def _events(question: str, word_s: float, otherwise: str) -> Iterator[bytes]:
    talk = next((each for asked, each in _ANSWERS.items() if asked in question), None)
    yield chunk({"role": "assistant", "content": ""})
    for part in re.findall(r"\S+\s*|\s+", talk.reasoning if talk else ""):
        yield chunk({"reasoning_content": part})
        time.sleep(word_s)
    words = re.findall(r"\S+\s*|\s+", talk.answer if talk else otherwise)
    for word in words:
        yield chunk({"content": word})
        time.sleep(word_s)
    yield chunk({}, "stop")
    yield chunk(None, usage={"prompt_tokens": len(question) // 3 + 20, "completion_tokens": len(words)})
    yield DONE
