"""Answer the requests of jobs, in the same dialects as requests over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from api.answering.answers import RunningAnswers
from api.batches.line_answers import LineAnswers, collected
from api.responses.response_answer import ResponseAnswer
from api.responses.response_request import ResponseRequest
from api.responses.stored_responses import earlier_items
from api.services import Portal
from core.inference.gateway import Gateway
from core.inference.records import Source
from core.people.records import User
from core.programs.records import LineAnswer
from core.programs.responses import Responses
from core.tasks.records import Json


class DialectAnswerer:
    """Implements core.programs.ports.RequestAnswerer. Each call runs on the job's thread, with its own event loop."""

    def __init__(self, gateway: Gateway, responses: Responses) -> None:
        self._gateway = gateway
        self._responses = responses
        self._lines = LineAnswers(gateway, responses)

    def answer(self, user: User, route: str, body: Mapping[str, Json], check: Callable[[], None]) -> LineAnswer:
        return self._lines.answer(user, route, body, check)

    def respond(self, user: User, response_id: str, body: Mapping[str, Json], check: Callable[[], None]) -> str:
        request = ResponseRequest.model_validate(body)
        earlier = earlier_items(self._responses.history(user, request.previous_response_id)) if request.previous_response_id else []
        wanted = replace(request.generation(user, earlier), id=response_id.removeprefix("resp_"), cached_for=response_id)
        first = self._gateway.answer(user, wanted, Source.API)

        async def answered() -> dict[str, Any]:
            running = RunningAnswers.one(self._gateway, first)
            return await ResponseAnswer(running, request.echoed(stored=True)).whole(await collected(running, check))

        return json.dumps(asyncio.run(answered()))


def answer_jobs(portal: Portal) -> None:
    """Let the portal's jobs have their requests answered by this API."""
    portal.background.attach(DialectAnswerer(portal.gateway, portal.responses))
