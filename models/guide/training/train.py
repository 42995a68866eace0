"""Train the tokenizer and the weights.

`python -m models.guide.training.train --folder FOLDER [--minutes N] [--processes N] [--begin-with FILE]`

Each process computes on one core and changes the same weights, without waiting for the others: a process that other programs slow
down holds nobody up.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from dataclasses import asdict
from pathlib import Path
from random import Random

import torch
from torch.nn import functional

from models.guide.training.examples import Known, batches
from models.guide.training.guide_file import TOKENIZER, WEIGHTS, read
from models.guide.training.network import Network, Shape
from models.guide.training.questions import Drawn, Questions
from models.guide.training.texts import Language
from models.guide.training.tokenizer import GuideTokenizer, learn

_RATE, _STEADY = 8e-4, 0.35
"""The learning rate, and the share of the time before it falls."""
_WARM_UP = 15
_REPORT_S = 300


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.guide.training.train", description="Train the built-in guide.")
    parser.add_argument("--folder", type=Path, required=True, help="where tokenizer and weights are written")
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--begin-with", type=Path, help="a GGUF file of the guide, whose tokenizer and weights are taken")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    asked.folder.mkdir(parents=True, exist_ok=True)
    questions = Questions()
    if asked.begin_with:
        network, tokenizer = read(asked.begin_with)
    else:
        tokenizer = learn(_texts(questions))
        network = Network(Shape(len(tokenizer.tokens)))
    tokenizer.save(asked.folder / TOKENIZER)
    network.share_memory()
    work = (network, tokenizer, questions, asked.minutes * 60, asked.folder / WEIGHTS)
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=_train, args=(*work, number)) for number in range(1, asked.processes)]
    for each in others:
        each.start()
    _train(*work, 0)
    for each in others:
        each.join()
    _save(network, asked.folder / WEIGHTS)
    print("Complete:", _report(network, tokenizer, questions, 1), flush=True)


def _texts(questions: Questions) -> list[str]:
    """Return the texts from which the tokenizer is made."""
    random = Random(1)
    found = [questions.draw(random.choice(list(Language)), random).question for _ in range(60_000)]
    for intent in questions.intents:
        found += list(intent.answers.values()) * 40
    return found


def _train(network: Network, tokenizer: GuideTokenizer, questions: Questions, seconds: float, out: Path, number: int) -> None:
    """Train in one of the processes; the first one reports and saves."""
    matrices = [values for values in network.parameters() if values.dim() == 2]
    others = [values for values in network.parameters() if values.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, _RATE, betas=(0.9, 0.98), fused=True)
    begin, reported, losses, known = time.monotonic(), time.monotonic(), 0.0, Known()
    for step, batch in enumerate(batches(questions, tokenizer, known, number)):
        done = (time.monotonic() - begin) / seconds
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, done)
        learned = batch.learned[:, 1:]
        with torch.autocast("cpu", torch.bfloat16):
            predicted = network.head(network.hidden(batch.ids[:, :-1])[learned])
        each = functional.cross_entropy(predicted.float(), batch.ids[:, 1:][learned], label_smoothing=0.02, reduction="none")
        loss = each.mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        known.record(batch, each.detach())
        losses = loss.item() if step == 0 else 0.98 * losses + 0.02 * loss.item()
        if number == 0 and time.monotonic() - reported > _REPORT_S:
            reported = time.monotonic()
            minutes, report = (reported - begin) / 60, _report(network, tokenizer, questions, 5)
            print(f"{minutes:.0f} min, step {step}, loss {losses:.3f}: {report}", flush=True)
            _save(network, out)


def _save(network: Network, out: Path) -> None:
    torch.save({"weights": network.state_dict(), "shape": asdict(network.shape)}, out)


def _rate(step: int, done: float) -> float:
    """Return the learning rate: it rises, stays, then falls along a cosine. done: the share of the time that has passed."""
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, (done - _STEADY) / (1 - _STEADY)))))
    return _RATE * min(1.0, (step + 1) / _WARM_UP) * (0.98 * fall + 0.02)


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
