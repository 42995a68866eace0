"""Define requests to /v1/embeddings and /v1/rerank: OpenAI's fields, and those that Jina, Cohere and llama.cpp's server share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from api.openai.chat_parts import Lenient, Whole
from api.openai.ignored import unknown
from core.inference.vectors import MAX_INPUTS, EmbeddingRequest, RerankRequest
from core.people.records import User

Text = str | tuple[int, ...]


def _inputs(sent: Any) -> tuple[Text, ...]:
    """Accept a text, the token ids of one, or a list of either. pydantic would try a union of lists item by item, and report each."""
    if isinstance(sent, str):
        return (sent,)
    if not isinstance(sent, list):
        raise ValueError("It must be a text, a list of texts, or lists of token ids")
    if sent and all(type(item) is int for item in sent):
        return (tuple(sent),)
    if len(sent) > MAX_INPUTS:
        raise ValueError(f"At most {MAX_INPUTS:,} texts fit in one request")
    if all(isinstance(item, str) for item in sent):
        return tuple(sent)
    if all(isinstance(item, list) and all(type(token) is int for token in item) for item in sent):
        return tuple(tuple(item) for item in sent)
    raise ValueError("It must be a text, a list of texts, or lists of token ids")


Inputs = Annotated[tuple[Text, ...], PlainValidator(_inputs, json_schema_input_type=str | list[str] | list[int] | list[list[int]])]


class EmbeddingsIn(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    input: Inputs
    model: str | None = Field(default=None, max_length=500, description="A name from /v1/models. Default: the first embedding model.")
    encoding_format: Literal["float", "base64"] | None = Field(default=None, description=(
        "base64 encodes the numbers as little-endian float32."
    ))
    dimensions: Whole | None = Field(default=None, description="Keep only the first numbers of each vector, this many.")
    truncate: bool | None = Field(default=None, description="Extension. true cuts texts that are longer than the model's limit.")

    @property
    def ignored(self) -> list[str]:
        """Return the fields that were sent but change nothing here."""
        return unknown(self.model_extra)

    def request(self, user: User) -> EmbeddingRequest:
        """Build the request. Raises InvalidInput."""
        return EmbeddingRequest(
            inputs=self.input, user_id=user.id, model=self.model or None, dimensions=self.dimensions, truncate=self.truncate is True
        )


class DocumentIn(Lenient):
    text: str


class RerankIn(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    query: str
    documents: list[str | DocumentIn] = Field(max_length=MAX_INPUTS)
    model: str | None = Field(default=None, max_length=500, description="A name from /v1/models. Default: the first reranking model.")
    top_n: Whole | None = Field(default=None, ge=1, description="Return only this many of the best results.")
    return_documents: bool | None = None
    truncate: bool | None = Field(default=None, description="true cuts documents that do not fit together with the query.")

    @property
    def texts(self) -> tuple[str, ...]:
        texts = (each if isinstance(each, str) else each.text for each in self.documents)
        return tuple(text.encode("utf-8", "replace").decode() for text in texts)  # An unpaired surrogate has no bytes.

    @property
    def ignored(self) -> list[str]:
        """Return the fields that were sent but change nothing here."""
        return unknown(self.model_extra)

    def request(self, user: User) -> RerankRequest:
        """Build the request. Raises InvalidInput."""
        return RerankRequest(
            query=self.query, documents=self.texts, user_id=user.id, model=self.model or None, truncate=self.truncate is True
        )
