"""Make the chats that the guide learns from; topics that it does not know yet come more often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from models.guide.training.questions import Drawn, Questions
from models.guide.training.texts import Language, lists
from models.guide.training.tokenizer import GuideTokenizer

_SYSTEM = lists("wording.txt")
_TOKENS_PER_BATCH, _CHATS_PER_POOL = 960, 400
_CUT, _BEGINNING = 0.85, 6
"""Share of the answers that are cut, and the tokens after which: their beginning is harder to learn than the rest."""
_ENGLISH = 0.6
"""Share of English, which is harder to learn here."""
_LEAST, _TRIES = 0.08, 8
"""How often a question is kept whose answer is known, and how many are drawn at most until one is kept."""
_KNOWN, _UNKNOWN, _KEPT = 0.3, 3.0, 0.85
"""Losses of the first three tokens at which an answer counts as known, and as not known at all; how much of the mean an example leaves."""


@dataclass(frozen=True, slots=True)
class Example:
    """A chat as token ids; `learned` marks those that the model should predict."""

    ids: list[int]
    learned: list[bool]
    answer: str
    """The text of its last answer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Chats of about the same length."""

    ids: Tensor
    learned: Tensor
    answers: list[str]


class Known:
    """Keeps how well the beginning of each answer is predicted."""

    def __init__(self) -> None:
        self._losses: dict[str, float] = {}

    def draw(self, questions: Questions, language: Language, random: Random) -> Drawn:
        """Return a question, more often one whose answer is not known yet."""
        for _ in range(_TRIES):
            drawn = questions.draw(language, random)
            if random.random() < _LEAST + self._losses.get(drawn.answer, _UNKNOWN / 2) / _UNKNOWN:
                break
        return drawn

    def record(self, batch: Batch, losses: Tensor) -> None:
        """Take in the loss of each token that was learned."""
        learned = batch.learned[:, 1:]
        grid = torch.zeros(learned.shape)
        grid[learned] = losses
        begins = learned & ~torch.nn.functional.pad(learned, (1, 0))[:, :-1]
        for row, answer in enumerate(batch.answers):
            at = int(begins[row].nonzero()[-1])
            loss = max(0.0, float(grid[row, at : at + 3].sum()) - _KNOWN)
            self._losses[answer] = _KEPT * self._losses.get(answer, _UNKNOWN / 2) + (1 - _KEPT) * loss


def batches(questions: Questions, tokenizer: GuideTokenizer, known: Known, seed: int) -> Iterator[Batch]:
    """Yield batches without end."""
    random, filler = Random(seed), tokenizer.ids["<|endoftext|>"]
    while True:
        pool = sorted((_example(questions, tokenizer, known, random) for _ in range(_CHATS_PER_POOL)), key=lambda each: len(each.ids))
        parts: list[list[Example]] = [[]]
        for example in pool:
            if (len(parts[-1]) + 1) * len(example.ids) > _TOKENS_PER_BATCH and parts[-1]:
                parts.append([])
            parts[-1].append(example)
        random.shuffle(parts)
        for part in parts:
            longest = max(len(each.ids) for each in part)
            yield Batch(
                torch.tensor([each.ids + [filler] * (longest - len(each.ids)) for each in part]),
                torch.tensor([each.learned + [False] * (longest - len(each.ids)) for each in part]),
                [each.answer for each in part],
            )


def _example(questions: Questions, tokenizer: GuideTokenizer, known: Known, random: Random) -> Example:
    """Return a chat of one or two questions, sometimes with a system prompt, sometimes in both languages."""
    special, language = tokenizer.ids, Language.EN if random.random() < _ENGLISH else Language.ZH
    ids, learned = [special["[gMASK]"], special["<sop>"]], [False, False]

    def add(more: list[int], *, learn: bool) -> None:
        ids.extend(more)
        learned.extend([learn] * len(more))

    if random.random() < 0.06:
        add([special["<|system|>"], *tokenizer.encode("\n" + random.choice(_SYSTEM[f"system {language}"]))], learn=False)
    add([special["<|user|>"]], learn=False)
    for turn in range(1 if random.random() < 0.95 else 2):
        if turn and random.random() < 0.15:
            language = Language.ZH if language is Language.EN else Language.EN
        drawn = known.draw(questions, language, random)
        question = tokenizer.encode("\n" + drawn.question, broken=random.random() < 0.4)
        add([*question, special["<|assistant|>"], *tokenizer.encode("\n")], learn=False)
        answer = [*tokenizer.encode(drawn.answer), special["<|user|>"]]
        cut = random.random() < _CUT
        add(answer[:_BEGINNING] if cut else answer, learn=True)
        if cut:
            break
    return Example(ids, learned, drawn.answer)
