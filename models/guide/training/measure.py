"""Measure a guide with the portal's own engine: ask it what people ask on their first day, at temperature 0.

`$PORTAL_HOME/venv/bin/python -m models.guide.training.measure [FILE]`

Of each language it prints how many questions are answered with the right topic, how many of these answers are word for word as they were
written, and how many answers begin as one topic and go on as none, which are the wrong facts. It then lists what was answered wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from core.inference.requests import ChatMessage, ChatRole, Delta, GenerationRequest, SamplingParams
from core.models.load_settings import LoadSettings
from core.models.records import ModelState
from models.guide.training.texts import OUT_OF_SCOPE, Language, first_day, intents, out_of_scope
from models.serving.pool.pool import Pool
from models.serving.router import PoolRouter

_GUIDE = Path(__file__).parents[1] / "guide.gguf"
_AT_ONCE, _TOKENS, _LOAD_S = 16, 220, 120
_ALIKE = 0.85
"""How much of a topic's text an answer must have to count as that topic's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the list, the topics that answer it, and what the guide said."""

    question: str
    language: Language
    topics: tuple[str, ...]
    said: str
    topic: str
    """The topic of what was said; "" if it is none's."""
    exact: bool
    """Whether that topic's text was said word for word."""

    @property
    def right(self) -> bool:
        return self.topic in self.topics


def measure(pool: Pool) -> list[Asked]:
    """Ask the guide that is loaded all questions of the list."""
    texts = {intent.name: intent.answers for intent in intents()} | {OUT_OF_SCOPE: out_of_scope().answers}
    listed = first_day()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers = list(threads.map(lambda each: said(pool, each.question), listed))
    found = []
    for each, answer in zip(listed, answers, strict=True):
        topic = _topic(answer, {name: text[each.language] for name, text in texts.items()})
        exact = bool(topic) and answer == texts[topic][each.language]
        found.append(
            Asked(question=each.question, language=each.language, topics=each.topics, said=answer, topic=topic, exact=exact)
        )
    return found


def said(pool: Pool, question: str, tokens: int = _TOKENS) -> str:
    """Return the guide's answer at temperature 0, at most so many tokens of it."""
    params = SamplingParams(temperature=0.0, max_tokens=tokens)
    asked = GenerationRequest(
        messages=(ChatMessage(ChatRole.USER, question),), user_id=question, model=None, params=params, thinking=False
    )
    return "".join(event.text for event in PoolRouter(pool).start(asked).events() if isinstance(event, Delta))


def report(found: Sequence[Asked]) -> str:
    """Return the figures of each language, and what was answered wrong."""
    lines = []
    for language in Language:
        here = [each for each in found if each.language is language]
        right, exact = sum(each.right for each in here), sum(each.right and each.exact for each in here)
        mixed = sum(not each.topic for each in here)
        lines.append(f"{language}: {right} of {len(here)} right ({right / len(here):.0%}), {exact} word for word, {mixed} of no topic")
    lines += [f"  {'/'.join(each.topics)} | {each.question} | {each.topic or each.said}" for each in found if not each.right]
    return "\n".join(lines)


def loaded(file: Path, folder: Path) -> Pool:
    """Return a pool that has loaded the file. folder: where the pool may write."""
    pool = Pool(folder, file, settings_file=folder / "notes.json", extra_buffers=False)
    pool.load(file, LoadSettings(context=512, slots=_AT_ONCE))
    deadline = time.monotonic() + _LOAD_S
    while pool.loaded()[0].state is ModelState.LOADING and time.monotonic() < deadline:
        time.sleep(0.05)
    return pool


def _topic(answer: str, texts: dict[str, str]) -> str:
    """Return the topic whose text the answer is, or nearly is."""
    for name, text in texts.items():
        if answer == text:
            return name
    alike = {name: SequenceMatcher(None, answer, text, autojunk=False).ratio() for name, text in texts.items()}
    best = max(alike, key=alike.__getitem__)
    return best if alike[best] >= _ALIKE else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.guide.training.measure", description="Measure a guide.")
    parser.add_argument("file", type=Path, nargs="?", default=_GUIDE)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pool = loaded(asked.file, Path(folder))
        try:
            print(report(measure(pool)))
        finally:
            pool.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
