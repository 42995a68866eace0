"""A small byte pair encoding with the pattern and the special tokens of GLM-4."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

_PATTERN = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)
_SPECIAL = (
    *("<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"),
    *("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
)
_WORDS = 3000
_ROUND_TO = 64
_MAX_LENGTH = 9


class GuideTokenizer:
    """Turns texts into token ids."""

    def __init__(self, tokens: list[str], words: int, merges: list[tuple[str, str]]) -> None:
        """tokens: by id. words: how many of them are words, before the special ones."""
        self.tokens, self.words, self.merges = tokens, words, merges
        self.ids = {token: id for id, token in enumerate(tokens)}
        vocabulary = {token: id for id, token in enumerate(tokens[:words])}
        self._whole = Tokenizer(BPE(vocabulary, merges, ignore_merges=True))
        self._broken = Tokenizer(BPE(vocabulary, merges, dropout=0.12))
        for each in (self._whole, self._broken):
            each.pre_tokenizer = _pre_tokenizer()
            each.decoder = decoders.ByteLevel()

    def encode(self, text: str, *, broken: bool = False) -> list[int]:
        """Return the ids of a text. broken: leave out merges at random, so that words also come in smaller pieces."""
        ids: list[int] = (self._broken if broken else self._whole).encode(text, add_special_tokens=False).ids
        return ids

    def prompt(self, question: str) -> list[int]:
        """Return a chat with one question, up to where the answer begins."""
        head = [self.ids["[gMASK]"], self.ids["<sop>"], self.ids["<|user|>"], *self.encode("\n" + question)]
        return [*head, self.ids["<|assistant|>"], *self.encode("\n")]

    def save(self, path: Path) -> None:
        """Write the tokenizer to a file."""
        path.write_text(json.dumps({"tokens": self.tokens, "words": self.words, "merges": self.merges}), "utf-8")


def load(path: Path) -> GuideTokenizer:
    """Read a tokenizer from a file."""
    stored = json.loads(path.read_text("utf-8"))
    return GuideTokenizer(stored["tokens"], stored["words"], [(first, second) for first, second in stored["merges"]])


def learn(texts: Iterable[str]) -> GuideTokenizer:
    """Make a tokenizer that needs few tokens for these texts."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = _pre_tokenizer()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts, BpeTrainer(vocab_size=_WORDS, initial_alphabet=alphabet, max_token_length=_MAX_LENGTH, show_progress=False)
    )
    model = json.loads(tokenizer.to_str())["model"]
    words = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [_pair(each) for each in model["merges"]]
    tokens = [*words, *_SPECIAL]
    tokens += [f"[PAD{id}]" for id in range(len(tokens), -(-len(tokens) // _ROUND_TO) * _ROUND_TO)]
    return GuideTokenizer(tokens, len(words), merges)


def _pair(merge: str | Sequence[str]) -> tuple[str, str]:
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(Regex(_PATTERN), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
