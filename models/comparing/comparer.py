"""Compare two files in a separate process, which can crash or be cancelled without harm to the portal."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from core.comparing.records import ComparedFile, ComparedQuestion, QuestionResult
from core.errors import InvalidInput, ModelFailed
from core.inference.requests import ChatMessage, ChatRole
from core.models.load_settings import LoadSettings
from core.models.records import ModelKind
from models.child.process import how_it_ended, last_words
from models.gguf.facts import ModelFacts, read_facts
from models.gguf.memory_plan import LoadPlan, check_fits, plan_load
from models.plain_words import without_codes
from models.prompting.chat_template import ChatTemplate

CONTEXT = 2_048
ANSWER_TOKENS = 160
ROOT = Path(__file__).parents[2]
_POLL_S = 0.25


class LlamaComparer:
    """Implements core's FileComparer."""

    def __init__(self, *, extra_buffers: bool = True, answer_tokens: int = ANSWER_TOKENS) -> None:
        """extra_buffers: False if the self test crashed with them. answer_tokens: the longest answer; 0: write no answers."""
        self._extra_buffers = extra_buffers
        self._answer_tokens = answer_tokens

    def check(self, reference: Path, candidate: Path) -> tuple[ComparedFile, ComparedFile]:
        facts = [read_facts(path) for path in (reference, candidate)]
        if facts[0].file.kind is not ModelKind.CHAT or facts[1].file.kind is not ModelKind.CHAT:
            raise InvalidInput("Only models for chats can be compared.")
        if facts[0].vocabulary != facts[1].vocabulary:
            raise InvalidInput(
                "{one} and {other} have different vocabularies. Compare two files of the same model.",
                one=reference.name, other=candidate.name,
            )  # fmt: skip
        self._plans(facts)
        first, second = (
            ComparedFile(path=one.file.path.absolute(), quantization=one.file.quantization, size_bytes=one.file.size_bytes) for one in facts
        )
        return first, second

    def compare(
        self,
        reference: Path,
        candidate: Path,
        questions: Sequence[ComparedQuestion],
        loaded: Callable[[int, int], None],
        check: Callable[[], None],
    ) -> Iterator[QuestionResult]:
        facts = [read_facts(path) for path in (reference, candidate)]
        plans = self._plans(facts)
        template = ChatTemplate(facts[0].template, facts[0].file.name)
        try:
            prompts = [template.render([ChatMessage(ChatRole.USER, each.question)], thinking=False).text for each in questions]
        finally:
            template.close()
        files = [
            {"path": str(path.absolute()), "options": dataclasses.asdict(plan.options)}
            for path, plan in zip((reference, candidate), plans, strict=True)
        ]
        asked = [{"prompt": prompt, "answer": each.answer} for prompt, each in zip(prompts, questions, strict=True)]
        for line in _lines({"files": files, "questions": asked, "answer_tokens": self._answer_tokens}, check):
            if "loaded" in line:
                loaded(line["loaded"], line["memory_bytes"])
            elif "result" in line:
                made = line["result"]
                values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in made.items()}
                yield QuestionResult(question=questions[line["number"]].question, **values)
            elif line.get("refused"):
                raise InvalidInput(
                    "{one} and {other} have different vocabularies. Compare two files of the same model.",
                    one=reference.name, other=candidate.name,
                )  # fmt: skip
            else:
                raise ModelFailed("{reason}", reason=line["error"])

    def _plans(self, facts: Sequence[ModelFacts]) -> list[LoadPlan]:
        """Plan both loads, the second beside the first. Raises InvalidInput if they do not fit together."""
        plans, taken = [], 0
        for one in facts:
            settings = LoadSettings(context=min(CONTEXT, one.file.context), slots=1)
            plan = plan_load(one, settings, extra_buffers=self._extra_buffers)
            check_fits(one, dataclasses.replace(plan.memory, free_bytes=max(0, plan.memory.free_bytes - taken)))
            taken += plan.memory.needed_bytes
            plans.append(plan)
        return plans


def _lines(task: dict[str, object], check: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Yield what the process reports. Raises ModelFailed if it dies; raises what `check` raises."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")} | {"GGML_NO_BACKTRACE": "1"}
    with TemporaryFile() as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "models.comparing.process"], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=errors,
        )  # fmt: skip
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(json.dumps(task).encode() + b"\n")
            child.stdin.close()
            rest = b""
            while True:
                check()
                if not select.select([child.stdout.fileno()], [], [], _POLL_S)[0]:
                    continue
                read = os.read(child.stdout.fileno(), 1 << 20)
                if not read:
                    break
                *lines, rest = (rest + read).split(b"\n")
                yield from map(json.loads, lines)
            child.wait()
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        if child.returncode < 0:
            errors.seek(0)
            said = last_words([without_codes(line) for line in errors.read().decode("utf-8", "replace").splitlines()])
            raise ModelFailed(
                "llama.cpp crashed ({how}) while comparing the files. {said}", how=how_it_ended(child.returncode), said=said
            )
