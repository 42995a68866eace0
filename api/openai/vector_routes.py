"""Serve embeddings in OpenAI's shape, and rankings in the shape that Jina, Cohere and llama.cpp's server share."""

from __future__ import annotations

import base64
import json
import sys
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.answering.starting import begun
from api.answering.streams import KEEP_ALIVE_S, Cutoff, Failed, Feed, pump, until_finished
from api.errors import OPENAI_REFUSALS
from api.identity import SignedIn, TokenHere
from api.openai.chat_routes import CLIENT_CLOSED
from api.openai.ignored import ignored_header
from api.openai.vector_request import EmbeddingsIn, RerankIn
from api.services import PortalHere
from core.inference.running.computed_vectors import Vectors
from core.inference.vectors import Cancelled, Embedded

router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=OPENAI_REFUSALS)


class VectorUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingOut(BaseModel):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsOut(BaseModel):
    object: Literal["list"] = "list"
    model: str
    data: list[EmbeddingOut]
    usage: VectorUsage


class DocumentOut(BaseModel):
    text: str


class RankedOut(BaseModel):
    index: int
    relevance_score: float
    document: DocumentOut | None = None


class RerankOut(BaseModel):
    id: str
    model: str
    results: list[RankedOut]
    usage: VectorUsage


@router.post("/embeddings", response_model=EmbeddingsOut)
async def embeddings(body: EmbeddingsIn, request: Request, portal: PortalHere, user: SignedIn, token: TokenHere) -> Response:
    """Return a vector of length 1 for each input, in order. A client that disconnects stops the work."""
    work = await begun(lambda: portal.gateway.embed(user, body.request(user)))
    cutoff = Cutoff(portal.session_watch, token, user)
    return await _answer(work, lambda done: embeddings_body(work, done, body), request, cutoff, body.ignored)


@router.post("/rerank", response_model=RerankOut, response_model_exclude_none=True)
async def rerank(body: RerankIn, request: Request, portal: PortalHere, user: SignedIn, token: TokenHere) -> Response:
    """Rank the documents by how well they answer the query, best first."""
    work = await begun(lambda: portal.gateway.rerank(user, body.request(user)))
    cutoff = Cutoff(portal.session_watch, token, user)
    return await _answer(work, lambda done: _ranking(work, done, body), request, cutoff, body.ignored)


async def _answer(
    work: Vectors, write: Callable[[Embedded], bytes], request: Request, cutoff: Cutoff, ignored: list[str]
) -> Response:
    """Compute and encode the answer on a separate thread: encoding a large one takes long enough to hold up every stream."""
    feed: Feed[bytes | Failed | None] = Feed()
    pump(_written(work, write), feed, f"vectors-{work.id[:8]}")
    bodies = await until_finished(_bodies(feed), request.receive, work.cancel, cutoff)
    if not bodies:
        return Response(status_code=CLIENT_CLOSED)
    return Response(bodies[0], media_type="application/json", headers=ignored_header(ignored))


def _written(work: Vectors, write: Callable[[Embedded], bytes]) -> Iterator[bytes]:
    try:
        yield write(work.result())
    except Cancelled:
        return


async def _bodies(feed: Feed[bytes | Failed | None]) -> AsyncIterator[bytes]:
    while True:
        for item in await feed.take(KEEP_ALIVE_S):
            if item is None:
                return
            if isinstance(item, Failed):
                raise item.error
            yield item


def embeddings_body(work: Vectors, done: Embedded, asked: EmbeddingsIn) -> bytes:
    """Encode the vectors, with the nine digits that distinguish any two float32 numbers, four times as fast as a general encoder."""
    written = _base64 if asked.encoding_format == "base64" else _numbers
    vectors = (
        f'{{"object":"embedding","index":{index},"embedding":{written(row)}}}' for index, row in enumerate(done.rows)
    )
    head = f'{{"object":"list","model":{json.dumps(work.model)},"data":['
    return "".join((head, ",".join(vectors), f'],"usage":{json.dumps(_usage(done))}}}')).encode()


def _numbers(row: array[float]) -> str:
    return "[" + ",".join(map("%.9g".__mod__, row)) + "]"


def _base64(row: array[float]) -> str:
    if sys.byteorder == "big":
        row = array("f", row)
        row.byteswap()
    return '"' + base64.b64encode(row.tobytes()).decode("ascii") + '"'


def _ranking(work: Vectors, done: Embedded, asked: RerankIn) -> bytes:
    best = sorted(range(len(done.rows)), key=lambda index: -done.rows[index][0])
    results: list[dict[str, Any]] = [{"index": index, "relevance_score": done.rows[index][0]} for index in best[: asked.top_n]]
    if asked.return_documents:
        texts = asked.texts
        for result in results:
            result["document"] = {"text": texts[result["index"]]}
    return json.dumps({"id": f"rerank-{work.id}", "model": work.model, "results": results, "usage": _usage(done)}).encode()


def _usage(done: Embedded) -> dict[str, int]:
    return {"prompt_tokens": done.usage.prompt_tokens, "total_tokens": done.usage.prompt_tokens}
