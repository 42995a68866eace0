"""The engine's grammar parser against llama.cpp's own, token by token, with a small GLM whose tokens are bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from core.errors import InvalidInput, ModelFailed
from models.engine.llama.backend import LlamaBackend
from models.engine.sampling.grammar_sampler import GrammarSampler
from models.engine.sampling.token_texts import TokenTexts
from models.grammar.reader import read_grammar
from samples.gguf_maker import make_gguf
from tests.native_grammar import NativeGrammar
from tests.this_machine import load_options

GROWS_LATE = 'root ::= "x"{60} ("a"? "b"?){50000}'


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaBackend]:
    path = make_gguf(tmp_path_factory.mktemp("models") / "synthetic.gguf")
    backend = LlamaBackend(path, load_options(path, context=256, slots=1))
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def texts(backend: LlamaBackend) -> TokenTexts:
    return TokenTexts(backend.vocabulary, backend.piece, backend.ends)


def made_grammar(random: random.Random) -> str:
    """Rules that refer to each other, with everything that the notation has.

    No set without "é": llama.cpp refuses the first byte of "ü" there too, since both begin with it.
    """
    names = ["root", "x", "y", "z"]

    def item(depth: int) -> str:
        match random.randrange(9):
            case 0 | 1 | 2:
                return random.choice(['"a"', '"ab"', '"b"', '"é"', '""', '"c-\\x64"'])
            case 3:
                return random.choice(["[ab]", "[^a]", "[a-c]", ".", "[é-ü]"])
            case 4 if depth < 1:
                return f"({alternatives(depth + 1)})"
            case _:
                return random.choice(names[1:]) if random.random() < 0.7 else '"c"'

    def sequence(depth: int) -> str:
        signs = ["", "", "", "", "", "", "?", "*", "+", "{2}", "{1,}", "{0,2}", "{1,3}"]
        items = [item(depth) for _ in range(random.randrange(1, 4))]
        return " ".join(one if one == '""' else one + random.choice(signs) for one in items)

    def alternatives(depth: int) -> str:
        return " | ".join(sequence(depth) if random.random() < 0.9 else "" for _ in range(random.randrange(1, 4)))

    return "".join(f"{name} ::= {alternatives(0)}\n" for name in names)


def test_made_grammars_are_read_as_llama_cpp_reads_them(backend: LlamaBackend, texts: TokenTexts) -> None:
    chance = random.Random(18)
    alphabet = sorted({*b"abcd-", *"éü".encode()})
    tokens = [*(token for byte in alphabet for token in range(backend.vocabulary) if backend.piece(token) == bytes([byte]))]
    tokens.append(next(token for token in range(backend.vocabulary) if backend.ends(token)))
    read = 0
    while read < 80:
        grammar = made_grammar(chance)
        try:
            ours = GrammarSampler(read_grammar(grammar), texts)
            native = NativeGrammar(backend.vocab, grammar)
        except (InvalidInput, ValueError):
            continue
        read += 1
        said = b""
        for _ in range(6):
            allowed = native.allowed(tokens[:-1])
            assert ours.fitting(np.array(tokens[:-1])) == allowed, f"after {said!r}:\n{grammar}"
            assert ours.allows(tokens[-1]) is native.allows(tokens[-1]), f"the end after {said!r}:\n{grammar}"
            if not allowed:
                break
            token = chance.choice(allowed)
            ours.accept(token)
            native.accept(token)
            said += backend.piece(token)
        native.free()


def test_what_grows_later_than_the_check_looks_fails_in_its_answer(texts: TokenTexts, backend: LlamaBackend) -> None:
    sampler = GrammarSampler(read_grammar(GROWS_LATE), texts)
    with pytest.raises(ModelFailed, match="too many continuations"):
        for token in backend.tokenize("x" * 60 + "a" * 60, special=False):
            sampler.accept(token)


def test_a_part_of_a_character_is_taken_where_the_rest_can_follow(texts: TokenTexts, backend: LlamaBackend) -> None:
    sampler = GrammarSampler(read_grammar("root ::= [é-ü] [一-龥]"), texts)
    e, chinese = backend.tokenize("é", special=False), backend.tokenize("字", special=False)
    assert len(e) == 2 and len(chinese) == 3
    assert not sampler.allows(chinese[0])
    for token in [*e, *chinese]:
        assert sampler.allows(token)
        assert not sampler.allows(backend.tokenize("a", special=False)[0])
        sampler.accept(token)
    assert sampler.fitting(np.arange(backend.vocabulary)) == [token for token in range(backend.vocabulary) if backend.ends(token)]
