"""Answer one request of a batch, in each dialect that a batch may speak."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from api.answering.answers import Item, RunningAnswers, another
from api.errors import PROMPT_FIELDS, openai_error, refused_field
from api.openai.chat_answer import ChatAnswer
from api.openai.chat_request import ChatRequest
from api.openai.completion_answer import TextAnswer
from api.openai.completion_request import CompletionRequest
from api.openai.completion_routes import prompt_text
from api.openai.vector_request import EmbeddingsIn
from api.openai.vector_routes import embeddings_body
from api.responses.response_answer import ResponseAnswer
from api.responses.response_request import ResponseRequest
from api.responses.stored_responses import earlier_items
from core.errors import Busy, InvalidInput, PortalError, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import Source
from core.inference.requests import GenerationRequest
from core.inference.running.answer import Answer
from core.operations.log_context import log_context, new_request_id
from core.people.records import User
from core.programs.records import LineAnswer
from core.programs.responses import Responses

CHECK_S = 0.2
"""Seconds between checks whether the job must end."""
Check = Callable[[], None]


class LineAnswers:
    """Answers requests on the calling thread, with its own event loop."""

    def __init__(self, gateway: Gateway, responses: Responses) -> None:
        self._gateway = gateway
        self._responses = responses
        self._routes: Mapping[str, Callable[[User, Mapping[str, Any], Check], str]] = {
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._completion,
            "/v1/embeddings": self._embeddings,
            "/v1/responses": self._response,
        }

    def answer(self, user: User, route: str, body: Mapping[str, Any], check: Check) -> LineAnswer:
        """See core.programs.ports.RequestAnswerer."""
        request_id = new_request_id()
        with log_context(request_id=request_id, user_id=user.id):
            try:
                return LineAnswer(200, self._routes[route](user, body, check), request_id)
            except (Busy, Unavailable):
                raise
            except ValidationError as problem:
                sentence, field = refused_field([{**each, "loc": ("body", *each["loc"])} for each in problem.errors()], body)
                status, refusal = openai_error(InvalidInput("{sentence}", sentence=sentence, field=field))
            except PortalError as problem:
                status, refusal = openai_error(problem, PROMPT_FIELDS.get(route, "messages"))
        return LineAnswer(status, json.dumps(refusal), request_id)

    def _chat(self, user: User, body: Mapping[str, Any], check: Check) -> str:
        asked = ChatRequest.model_validate(body)
        _refuse_stream(asked.stream)
        wanted = replace(asked.generation(user), batch=True)
        first = self._start(user, wanted)

        async def answered() -> str:
            running = RunningAnswers(self._gateway, first, lambda number: self._start(user, another(wanted, number)), asked.answers)
            return ChatAnswer(running).whole(await collected(running, check)).model_dump_json()

        return asyncio.run(answered())

    def _completion(self, user: User, body: Mapping[str, Any], check: Check) -> str:
        asked = CompletionRequest.model_validate(body)
        _refuse_stream(asked.stream)
        wanted = [replace(one, batch=True) for one in asked.generations(user)]
        echoes = [prompt_text(self._gateway, user, one) if asked.echo else "" for one in wanted]

        def start(number: int) -> Answer:
            return self._start(user, another(wanted[number // asked.answers], number % asked.answers))

        first = start(0)

        async def answered() -> str:
            running = RunningAnswers(self._gateway, first, start, len(wanted) * asked.answers)
            answer = TextAnswer(running, echoes, asked.answers, tops=bool(asked.logprobs))
            return answer.whole(await collected(running, check)).model_dump_json()

        return asyncio.run(answered())

    def _response(self, user: User, body: Mapping[str, Any], check: Check) -> str:
        asked = ResponseRequest.model_validate(body)
        _refuse_stream(asked.stream)
        if asked.store or asked.background:
            raise InvalidInput("{field} is not possible in a batch. Leave it out.", field="store" if asked.store else "background")
        previous = asked.previous_response_id
        earlier = earlier_items(self._responses.history(user, previous)) if previous else []
        first = self._start(user, replace(asked.generation(user, earlier), batch=True))

        async def answered() -> str:
            running = RunningAnswers.one(self._gateway, first)
            return json.dumps(await ResponseAnswer(running, asked.echoed(stored=False)).whole(await collected(running, check)))

        return asyncio.run(answered())

    def _embeddings(self, user: User, body: Mapping[str, Any], check: Check) -> str:
        asked = EmbeddingsIn.model_validate(body)
        check()
        work = self._gateway.embed(user, asked.request(user))
        return embeddings_body(work, work.result(), asked).decode()

    def _start(self, user: User, request: GenerationRequest) -> Answer:
        return self._gateway.answer(user, request, Source.API)


def _refuse_stream(stream: bool | None) -> None:
    if stream:
        raise InvalidInput("{field} is not possible in a batch. Leave it out.", field="stream")


async def collected(running: RunningAnswers, check: Check) -> list[Item | None]:
    """Collect all items of the running answers. Frees the engine if `check` raises."""

    async def collect() -> list[Item | None]:
        return [item async for item in running.deltas()]

    collecting = asyncio.ensure_future(collect())
    try:
        while not collecting.done():
            await asyncio.wait({collecting}, timeout=CHECK_S)
            check()
        return collecting.result()
    finally:
        if not collecting.done():
            running.leave()
            collecting.cancel()
            await asyncio.gather(collecting, return_exceptions=True)
