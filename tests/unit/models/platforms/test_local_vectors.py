"""Real llama.cpp with small models: berts, and a causal one of the shape of qwen3, through the pool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import Conflict, InvalidInput, NotFound, Unavailable
from core.inference.requests import ChatMessage, GenerationRequest
from core.inference.vectors import Embedded, EmbeddingRequest, InputTooLong, RerankRequest
from core.models.load_settings import LoadSettings
from core.models.records import LoadedModel, ModelKind, ModelState
from models.embedding.llama_embedder import LlamaEmbedder
from models.gguf.facts import read_facts
from models.gguf.memory_plan import plan_load
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter
from tests.this_machine import EXTRA_BUFFERS, plan_here
from tests.unit.models.serving.pool.test_pool import GUIDE, load, wait
from tests.vector_gguf_maker import make_bert, make_causal

TEXTS = ("hello", "a longer text of many words, and more", "x", "what is this?", "hello")
ROUNDED = 1e-3
"""Keys and values have 16 bits, and sums of another shape are rounded differently."""
TEMPLATE = "<|im_start|>Query: {query}\nDocument: {document}<|im_start|>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors")
    for pooling in ("mean", "cls"):
        make_bert(folder / f"{pooling}.gguf", pooling)
    make_bert(folder / "rank.gguf", "rank")
    make_causal(folder / "last.gguf")
    make_causal(folder / "averaged.gguf", "mean")
    make_causal(folder / "yes.gguf", "rank", template=TEMPLATE)
    return folder


@pytest.fixture(scope="module", params=[False, True], ids=["here", "apart"])
def pool(request: pytest.FixtureRequest, folder: Path) -> Iterator[Pool]:
    """Yield a pool of all of them, in this process or each in its own, and the guide."""
    pool = Pool(folder, GUIDE, settings_file=folder / "load_settings.json", extra_buffers=EXTRA_BUFFERS)
    for path in sorted(folder.glob("*.gguf")):
        model = load(pool, path, LoadSettings(slots=8, isolated=request.param))
        assert (model.state, model.isolated) == (ModelState.READY, request.param)
    load(pool, GUIDE)
    yield pool
    pool.close()


def embed(pool: Pool, model: str, *inputs: str | tuple[int, ...], **asked: object) -> Embedded:
    return PoolRouter(pool).embed(EmbeddingRequest(inputs, "ann", model, **asked)).result()  # type: ignore[arg-type]


def vectors(pool: Pool, model: str, *inputs: str | tuple[int, ...], **asked: object) -> np.ndarray:
    return np.array(embed(pool, model, *inputs, **asked).rows)


def rerank(pool: Pool, model: str, query: str, *documents: str, truncate: bool = False) -> list[float]:
    done = PoolRouter(pool).rerank(RerankRequest(query, documents, "ann", model, truncate=truncate)).result()
    assert all(len(row) == 1 for row in done.rows)
    return [row[0] for row in done.rows]


EMBEDDING = ["mean", "cls", "last", "averaged"]


@pytest.mark.parametrize("model", EMBEDDING)
def test_a_text_has_the_same_vector_alone_and_in_a_batch(pool: Pool, model: str) -> None:
    together = vectors(pool, model, *TEXTS)
    assert together.shape == (len(TEXTS), 32)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for text, vector in zip(TEXTS, together, strict=True):
        assert np.allclose(vectors(pool, model, text)[0], vector, atol=ROUNDED)
    assert np.abs(together[0] - together[1]).max() > 0.01
    assert np.allclose(together[0], together[4], atol=ROUNDED)


@pytest.mark.parametrize("model", EMBEDDING)
def test_many_at_once_get_what_they_asked_for(pool: Pool, model: str) -> None:
    texts = ["".join(chr(97 + (number * step) % 26) for step in range(1 + number % 60)) for number in range(60)]
    alone = [vectors(pool, model, text)[0] for text in texts]
    with ThreadPoolExecutor(12) as threads:
        together = list(threads.map(lambda text: vectors(pool, model, text)[0], texts))
    assert np.allclose(alone, together, atol=ROUNDED)


def test_the_mean_is_not_the_first_token(pool: Pool) -> None:
    assert not np.allclose(vectors(pool, "mean", "hello"), vectors(pool, "cls", "hello"), atol=1e-2)


def test_the_vector_is_what_llama_cpp_gives_the_framed_tokens(pool: Pool, folder: Path) -> None:
    facts = read_facts(folder / "cls.gguf")
    embedder = LlamaEmbedder(facts.file.path, plan_here(facts, LoadSettings(slots=2)).options)
    tokens = embedder.tokenize("hello", framed=True)
    assert len(tokens) == 5 + 2
    rows = embedder.compute([tokens])
    embedder.close()
    assert rows is not None
    assert np.allclose(rows[0] / np.linalg.norm(rows[0]), vectors(pool, "cls", "hello")[0], atol=1e-6)
    assert np.allclose(vectors(pool, "cls", tuple(tokens)), vectors(pool, "cls", "hello"), atol=1e-6)


def test_a_text_read_in_several_decodes_is_the_same_as_in_one(folder: Path) -> None:
    facts = read_facts(folder / "last.gguf")
    options = plan_here(facts, LoadSettings(slots=2)).options
    assert (options.context, options.batch_tokens) == (2048, 512)
    rows = []
    for batch in (512, 2048):
        embedder = LlamaEmbedder(facts.file.path, replace(options, batch_tokens=batch))
        rows.append(embedder.compute([[number % 256 for number in range(1900)]]))
        embedder.close()
    assert np.allclose(rows[0], rows[1], atol=1e-3)


def test_dimensions_cut_and_make_the_length_1_again(pool: Pool) -> None:
    whole, cut = vectors(pool, "mean", "hello"), vectors(pool, "mean", "hello", dimensions=8)
    assert cut.shape == (1, 8)
    assert np.allclose(cut[0], whole[0, :8] / np.linalg.norm(whole[0, :8]), atol=1e-6)
    with pytest.raises(InvalidInput, match="at most 32"):
        embed(pool, "mean", "hello", dimensions=33)


@pytest.mark.parametrize("model", EMBEDDING)
def test_too_long_a_text_is_refused_with_numbers_or_cut_if_asked(pool: Pool, model: str) -> None:
    limit = next(each.context for each in pool.loaded() if each.name == model)
    long = "ab " * limit
    with pytest.raises(InputTooLong, match=rf"input\.1 is too large: it has [\d,]+ tokens, and the model's limit is {limit}\."):
        embed(pool, model, "short", long)
    done = embed(pool, model, "short", long, truncate=True)
    assert abs(np.linalg.norm(done.rows[1]) - 1) < 1e-5
    assert done.usage.prompt_tokens - embed(pool, model, "short").usage.prompt_tokens == limit


def test_a_cut_text_is_still_framed(pool: Pool) -> None:
    assert np.allclose(vectors(pool, "mean", "a" * 500, truncate=True), vectors(pool, "mean", "a" * 126), atol=ROUNDED)


@pytest.mark.parametrize("model", EMBEDDING)
@pytest.mark.parametrize("odd", ["", "\0", "\ud800", "\ufdd0", "🙂" * 20, "\u0390" * 20, "[SEP]", "<|endoftext|>", " ", "\u202e"])
def test_odd_texts_have_vectors_too(pool: Pool, model: str, odd: str) -> None:
    assert np.isfinite(vectors(pool, model, odd, "a")).all()


def test_a_marker_in_a_text_is_text(pool: Pool) -> None:
    assert embed(pool, "last", "<|endoftext|>").usage.prompt_tokens > 5


def test_tokens_that_the_model_does_not_have_are_refused(pool: Pool) -> None:
    with pytest.raises(InvalidInput, match=r"input\.0 contains a number that is not a token id"):
        embed(pool, "mean", (5, 100_000))


# Reranking


@pytest.mark.parametrize("model", ["rank", "yes"])
def test_relevances_lie_between_0_and_1_and_are_the_same_alone(pool: Pool, model: str) -> None:
    documents = ("hello", "something else, and longer", "", "x")
    scores = rerank(pool, model, "what?", *documents)
    assert all(0 < score < 1 for score in scores) and len(set(scores)) == 4
    assert np.allclose(scores, [rerank(pool, model, "what?", document)[0] for document in documents], atol=ROUNDED)
    assert not np.allclose(scores, rerank(pool, model, "why", *documents), atol=1e-4)


def test_query_and_document_are_put_together_as_the_template_says(pool: Pool) -> None:
    platform = pool.leases.vectors("yes", ModelKind.RERANKING)
    whole = platform.by_template("{document}<|im_start|>", "a {query}", "documents.0", False)
    assert whole.count(257) == 2
    spelled = bytes(token for token in whole if token < 256)
    assert len(spelled) == len(whole) - 2
    assert len(whole) == 2 + len("Query: {document}<|im_start|>\nDocument: a {query}")


@pytest.mark.parametrize("model", ["rank", "yes"])
def test_a_document_too_long_beside_the_query_is_refused_or_cut(pool: Pool, model: str) -> None:
    long = "words " * 2000
    with pytest.raises(InputTooLong, match=r"documents\.1 is too large"):
        rerank(pool, model, "what", "short", long)
    assert len(rerank(pool, model, "what", "short", long, truncate=True)) == 2
    with pytest.raises(InputTooLong):
        rerank(pool, model, long, "short", truncate=True)


def test_a_long_query_beside_many_documents_is_refused_before_it_fills_the_memory(pool: Pool) -> None:
    begin = time.monotonic()
    with pytest.raises(InvalidInput, match="more than 500,000 tokens in total"):
        rerank(pool, "yes", "x" * 1900, *["y"] * 2000)
    assert time.monotonic() - begin < 300
    assert pool.metrics()["yes"].waiting == 0


# Among the other models


def test_each_model_is_listed_with_its_kind(pool: Pool) -> None:
    kinds = {model.name: model.file.kind for model in pool.loaded()}
    assert kinds["guide"] is ModelKind.CHAT
    assert {kinds[name] for name in EMBEDDING} == {ModelKind.EMBEDDING}
    assert {kinds["rank"], kinds["yes"]} == {ModelKind.RERANKING}


def test_a_model_for_vectors_is_never_the_default(pool: Pool, folder: Path) -> None:
    assert pool.loaded()[0].name == "guide" and pool.leases.platform(None).facts.file.name == "guide"
    with pytest.raises(Conflict, match="mean is an embedding or reranking model"):
        pool.make_default("mean")
    with pytest.raises(Conflict, match="other is an embedding or reranking model"):
        pool.load(make_bert(folder.parent / "other.gguf"), LoadSettings(), default=True)


def test_a_model_of_another_kind_is_refused_in_words(pool: Pool) -> None:
    router = PoolRouter(pool)
    with pytest.raises(InvalidInput, match=r"mean is an embedding or reranking model and cannot chat\. Choose one of: guide"):
        router.start(GenerationRequest((ChatMessage("user", "x"),), "ann", "mean"))
    with pytest.raises(InvalidInput, match=r"guide is not a model for embedding\. Choose one of: averaged, cls, last, mean"):
        embed(pool, "guide", "x")
    with pytest.raises(InvalidInput, match="rank is not a model for embedding"):
        embed(pool, "rank", "x")
    with pytest.raises(InvalidInput, match=r"mean is not a model for reranking\. Choose one of: rank, yes"):
        rerank(pool, "mean", "x", "y")
    with pytest.raises(NotFound):
        embed(pool, "none", "x")


def test_without_a_name_the_first_model_of_the_kind_is_asked(pool: Pool) -> None:
    running = PoolRouter(pool).embed(EmbeddingRequest(("x",), "ann"))
    assert (running.model, running.platform, len(running.model_version)) == ("averaged", "local", 12)
    assert PoolRouter(pool).rerank(RerankRequest("x", ("y",), "ann")).model == "rank"


def test_the_work_is_counted(pool: Pool) -> None:
    before = pool.metrics()["cls"]
    usage = embed(pool, "cls", "hello", "x").usage
    after = pool.metrics()["cls"]
    assert after.prompt_tokens - before.prompt_tokens == usage.prompt_tokens == 7 + 3
    assert after.answers - before.answers == 2
    assert (after.busy, after.waiting) == (0, 0)


def one_pool(folder: Path) -> Pool:
    return Pool(folder, GUIDE, settings_file=folder / "load_settings.json", extra_buffers=EXTRA_BUFFERS)


def test_alone_it_leaves_chats_without_a_model(folder: Path) -> None:
    pool = one_pool(folder)
    load(pool, folder / "mean.gguf", LoadSettings())
    assert [model.default for model in pool.loaded()] == [False]
    with pytest.raises(Unavailable, match="No model is loaded"):
        PoolRouter(pool).start(GenerationRequest((ChatMessage("user", "x"),), "ann"))
    with pytest.raises(Unavailable, match="No reranking model is loaded"):
        rerank(pool, None, "x", "y")  # type: ignore[arg-type]
    pool.close()


def test_unloading_lets_what_is_queued_finish_and_frees_it(tmp_path: Path, folder: Path) -> None:
    pool = one_pool(folder)
    load(pool, make_bert(tmp_path / "slow.gguf", layers=200), LoadSettings(slots=2))
    running = [PoolRouter(pool).embed(EmbeddingRequest(("word " * 25,) * 5, "ann", "slow")) for _ in range(4)]
    pool.unload("slow")
    with pytest.raises(Unavailable):
        embed(pool, "slow", "x")
    assert [len(one.result().rows) for one in running] == [5] * 4
    deadline = time.monotonic() + 60
    while pool.loaded() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not pool.loaded()
    pool.close()


def test_closing_in_the_middle_is_quick_and_tells_those_who_wait(tmp_path: Path, folder: Path) -> None:
    pool = one_pool(folder)
    load(pool, make_bert(tmp_path / "slow.gguf", layers=250, context=512), LoadSettings())
    running = PoolRouter(pool).embed(EmbeddingRequest(("word " * 100,) * 500, "ann", "slow"))
    time.sleep(0.1)
    begin = time.monotonic()
    pool.close()
    assert time.monotonic() - begin < 30
    with pytest.raises(Unavailable, match="unloaded before the texts were processed"):
        running.result()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: make_bert(path, "rank", classes=3), "sorts texts into 3 classes"),
        (lambda path: path.write_bytes(make_bert(path).read_bytes().replace(b"blk.1.ffn_up.bias", b"blk.1.ffn_up.bios")), "could not load"),
    ],
)
def test_what_cannot_be_used_fails_in_words(tmp_path: Path, make: object, reason: str) -> None:
    pool = one_pool(tmp_path)
    make(tmp_path / "bad.gguf")  # type: ignore[operator]
    pool.load(tmp_path / "bad.gguf", LoadSettings())
    failed: LoadedModel = wait(pool, "bad")
    pool.close()
    assert failed.state is ModelState.FAILED and failed.error is not None and reason in str(failed.error)


def test_a_reranker_without_a_head_is_refused_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no classification head"):
        read_facts(make_bert(tmp_path / "a.gguf", "rank", head=False))


def test_an_encoder_that_does_not_say_how_it_pools_takes_the_mean(tmp_path: Path) -> None:
    facts = read_facts(make_bert(tmp_path / "a.gguf", None))
    assert (facts.pooling, facts.file.kind, facts.causal, facts.remembers) == ("mean", ModelKind.EMBEDDING, False, False)


def test_the_plan_reads_at_once_what_cannot_be_read_in_chunks(tmp_path: Path) -> None:
    at_once = plan_load(read_facts(make_bert(tmp_path / "a.gguf", context=4096)), LoadSettings())
    assert (at_once.memory.context, at_once.options.batch_tokens, at_once.memory.context_bytes) == (2048, 2048, 0)
    chosen = plan_load(read_facts(tmp_path / "a.gguf"), LoadSettings(context=4096, slots=3))
    assert (chosen.memory.context, chosen.options.batch_tokens, chosen.memory.slots) == (4096, 4098, 3)
    in_chunks = plan_load(read_facts(make_causal(tmp_path / "b.gguf", context=32_768)), LoadSettings())
    assert (in_chunks.memory.context, in_chunks.options.batch_tokens) == (8192, 512)
    assert in_chunks.memory.context_bytes == 8192 * 2 * 2 * 16 * 2
    with pytest.raises(InvalidInput, match="trained for a context of 4,096"):
        plan_load(read_facts(tmp_path / "a.gguf"), LoadSettings(context=8192))
