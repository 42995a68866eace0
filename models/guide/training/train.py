"""Train the tokenizer and the weights.

`python -m models.guide.training.train --folder FOLDER [--minutes N] [--threads N] [--begin-with FILE]`
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional

from models.guide.training.guide_file import TOKENIZER, WEIGHTS, read
from models.guide.training.network import Network, Shape
from models.guide.training.questions import Drawn, Questions
from models.guide.training.texts import Language, lists
from models.guide.training.tokenizer import GuideTokenizer, learn

_SYSTEM = lists("wording.txt")
_TOKENS_PER_BATCH = 1536
_RATE = 1e-3
_WARM_UP = 40
_REPORT_S = 300
_CUT, _BEGINNING = 0.8, 9
"""Share of the answers that are cut, and the tokens after which: their beginning is harder to learn than the rest."""


@dataclass(frozen=True, slots=True)
class Example:
    """A chat as token ids; `learned` marks those that the model should predict."""

    ids: list[int]
    learned: list[bool]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.guide.training.train", description="Train the built-in guide.")
    parser.add_argument("--folder", type=Path, required=True, help="where tokenizer and weights are written")
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--begin-with", type=Path, help="a GGUF file of the guide, whose tokenizer and weights are taken")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    asked.folder.mkdir(parents=True, exist_ok=True)
    questions = Questions()
    if asked.begin_with:
        network, tokenizer = read(asked.begin_with)
    else:
        tokenizer = learn(_texts(questions))
        network = Network(Shape(len(tokenizer.tokens)))
    tokenizer.save(asked.folder / TOKENIZER)
    _train(network, tokenizer, questions, asked.minutes * 60, asked.folder / WEIGHTS)


def _texts(questions: Questions) -> list[str]:
    """Return the texts from which the tokenizer is made."""
    random = Random(1)
    found = [questions.draw(random.choice(list(Language)), random).question for _ in range(60_000)]
    for intent in questions.intents:
        found += list(intent.answers.values()) * 40
    return found


def _train(network: Network, tokenizer: GuideTokenizer, questions: Questions, seconds: float, out: Path) -> None:
    matrices = [values for values in network.parameters() if values.dim() == 2]
    others = [values for values in network.parameters() if values.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, _RATE, betas=(0.9, 0.98), fused=True)
    begin, reported, losses = time.monotonic(), time.monotonic(), 0.0
    for step, (ids, learned) in enumerate(_batches(questions, tokenizer)):
        done = (time.monotonic() - begin) / seconds
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, done)
        picked = network.hidden(ids[:, :-1])[learned[:, 1:]]
        loss = functional.cross_entropy(network.head(picked), ids[:, 1:][learned[:, 1:]], label_smoothing=0.02)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses = loss.item() if step == 0 else 0.98 * losses + 0.02 * loss.item()
        if time.monotonic() - reported > _REPORT_S:
            reported = time.monotonic()
            minutes, report = (reported - begin) / 60, _report(network, tokenizer, questions, 5)
            print(f"{minutes:.0f} min, step {step}, loss {losses:.3f}: {report}", flush=True)
            _save(network, out)
    _save(network, out)
    print("Complete:", _report(network, tokenizer, questions, 1), flush=True)


def _save(network: Network, out: Path) -> None:
    torch.save({"weights": network.state_dict(), "shape": asdict(network.shape)}, out)


def _rate(step: int, done: float) -> float:
    """Return the learning rate: it rises, stays, then falls along a cosine. done: the share of the time that has passed."""
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, (done - 0.1) / 0.9))))
    return _RATE * min(1.0, (step + 1) / _WARM_UP) * (0.98 * fall + 0.02)


def _batches(questions: Questions, tokenizer: GuideTokenizer) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield ids and what is learned of them, without end; chats of about the same length come together."""
    random, filler = Random(11), tokenizer.ids["<|endoftext|>"]
    while True:
        pool = sorted((_example(questions, tokenizer, random) for _ in range(1500)), key=lambda each: len(each.ids))
        parts: list[list[Example]] = [[]]
        for example in pool:
            if (len(parts[-1]) + 1) * len(example.ids) > _TOKENS_PER_BATCH and parts[-1]:
                parts.append([])
            parts[-1].append(example)
        random.shuffle(parts)
        for part in parts:
            longest = max(len(each.ids) for each in part)
            yield (
                torch.tensor([each.ids + [filler] * (longest - len(each.ids)) for each in part]),
                torch.tensor([each.learned + [False] * (longest - len(each.ids)) for each in part]),
            )


def _example(questions: Questions, tokenizer: GuideTokenizer, random: Random) -> Example:
    """Return a chat of one to three questions, often with a system prompt, sometimes in both languages."""
    special, language = tokenizer.ids, random.choice(list(Language))
    ids, learned = [special["[gMASK]"], special["<sop>"]], [False, False]

    def add(more: list[int], *, learn: bool) -> None:
        ids.extend(more)
        learned.extend([learn] * len(more))

    if random.random() < 0.12:
        add([special["<|system|>"], *tokenizer.encode("\n" + random.choice(_SYSTEM[f"system {language}"]))], learn=False)
    add([special["<|user|>"]], learn=False)
    turns = 1 if random.random() < 0.9 else random.choice([2, 2, 3])
    for turn in range(turns):
        if turn and random.random() < 0.15:
            language = Language.ZH if language is Language.EN else Language.EN
        drawn = questions.draw(language, random)
        question = tokenizer.encode("\n" + drawn.question, broken=random.random() < 0.5)
        add([*question, special["<|assistant|>"], *tokenizer.encode("\n")], learn=False)
        answer = [*tokenizer.encode(drawn.answer), special["<|user|>"]]
        cut = turn == turns - 1 and random.random() < _CUT
        add(answer[:_BEGINNING] if cut else answer, learn=True)
    return Example(ids, learned)


def _report(network: Network, tokenizer: GuideTokenizer, questions: Questions, part: int) -> str:
    """Say which share of the questions that were held out is answered right. part: take one in so many."""
    rows, outside = {}, questions.out_of_scope
    for language in Language:
        held_out = [Drawn(each, intent.answers[language]) for intent in questions.intents for each in intent.held_out[language]]
        rows[f"held out {language}"] = held_out[::part]
        rows[f"out of scope {language}"] = [Drawn(each, outside.answers[language]) for each in outside.held_out[language]][::part]
    return ", ".join(f"{name} {_right(network, tokenizer, cases):.3f}" for name, cases in rows.items())


def _right(network: Network, tokenizer: GuideTokenizer, cases: list[Drawn]) -> float:
    """Return the share of answers that are right word for word: every most likely next token is that of the answer."""
    network.eval()
    right, filler = 0, tokenizer.ids["<|endoftext|>"]
    with torch.no_grad():
        for start in range(0, len(cases), 64):
            part = cases[start : start + 64]
            pairs = [(tokenizer.prompt(each.question), [*tokenizer.encode(each.answer), tokenizer.ids["<|user|>"]]) for each in part]
            rows = [[*prompt, *answer] for prompt, answer in pairs]
            longest = max(map(len, rows))
            hidden = network.hidden(torch.tensor([row + [filler] * (longest - len(row)) for row in rows]))
            for row, (prompt, answer) in enumerate(pairs):
                likely = network.head(hidden[row, len(prompt) - 1 : len(prompt) + len(answer) - 1]).argmax(-1)
                right += likely.tolist() == answer
    network.train()
    return right / len(cases)


if __name__ == "__main__":
    main()
