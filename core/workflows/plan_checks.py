"""Check the steps of a task: what each needs, what it reads, and that none waits for itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from core.characters import halves, is_blank
from core.errors import InvalidInput
from core.grounding.phrases import checked_phrases
from core.workflows.records import FILE, MAX_INPUTS, MAX_TEXT_LENGTH, Step, StepKind, StepResult, StepState, TaskFile

_ID = re.compile(r"s[1-9]\d{0,2}")
_NEEDS_TEXT = {
    StepKind.QUERY: "Step {number} needs SQL, or a sentence that says what to query.",
    StepKind.SEARCH: "Step {number} needs words to search for.",
    StepKind.BOXES: "Step {number} needs phrases to find, one per line.",
    StepKind.WRITE: "Step {number} needs a sentence that says what to write.",
    StepKind.ASK: "Step {number} needs a question.",
}


def check_steps(steps: Sequence[Step], files: Sequence[TaskFile], most: int) -> None:
    """Raise InvalidInput that says which step is wrong, and how. most: the most steps of a run."""
    if not steps:
        raise InvalidInput("A task needs at least one step.")
    if len(steps) > most:
        sentence = "The task has {n} steps; a run can have at most {limit}. Remove some, or split the task."
        raise InvalidInput(sentence, n=len(steps), limit=most)
    numbers: dict[str, int] = {}
    for number, step in enumerate(steps, 1):
        if not _ID.fullmatch(step.id):
            raise InvalidInput("The id of step {number} must be s and a number, for example s{number}.", number=number)
        if step.id in numbers:
            raise InvalidInput("Steps {first} and {second} have the same id.", first=numbers[step.id], second=number)
        numbers[step.id] = number
    known = {each.reference: each for each in files}
    for number, step in enumerate(steps, 1):
        _check_words(step, number)
        _check_references(step, number, numbers, steps, known)
        _check_inputs(step, number, [known[each] for each in step.inputs if each in known], _read_steps(step, steps))


def depending(steps: Sequence[Step], changed: set[str]) -> set[str]:
    """Return the ids of these steps, and of all steps that read them directly or through others."""
    found = set(changed)
    for step in steps:
        if found & set(step.inputs):
            found.add(step.id)
    return found


def without_skipped(steps: Sequence[Step], results: Mapping[str, StepResult]) -> list[Step]:
    """Return the steps that a run did not leave out."""
    return [each for each in steps if each.id not in results or results[each.id].state is not StepState.SKIPPED]


def last_steps(steps: Sequence[Step]) -> list[Step]:
    """Return the steps that no other step reads: their outputs are the result. Questions to the person are none."""
    read = {each for step in steps for each in step.inputs}
    return [step for step in steps if step.id not in read and step.kind is not StepKind.ASK]


def _check_words(step: Step, number: int) -> None:
    if is_blank(step.title):
        raise InvalidInput("Step {number} needs a title.", number=number)
    if len(step.text) > MAX_TEXT_LENGTH:
        raise InvalidInput("The text of step {number} can have at most {limit:,} characters.", number=number, limit=MAX_TEXT_LENGTH)
    if halves(step.text) or halves(step.title):
        raise InvalidInput("Step {number} contains half a character (an unpaired surrogate). Remove it.", number=number)
    if step.kind in _NEEDS_TEXT and is_blank(step.text):
        raise InvalidInput(_NEEDS_TEXT[step.kind], number=number)
    if step.kind is StepKind.BOXES:
        checked_phrases(phrases_of(step))


def phrases_of(step: Step) -> list[str]:
    """Return the phrases of a step that finds boxes."""
    return [each.strip() for each in step.text.splitlines() if each.strip()]


def _check_references(step: Step, number: int, numbers: dict[str, int], steps: Sequence[Step], known: dict[str, TaskFile]) -> None:
    if len(step.inputs) > MAX_INPUTS:
        raise InvalidInput("Step {number} can have at most {limit} inputs.", number=number, limit=MAX_INPUTS)
    if len(set(step.inputs)) < len(step.inputs):
        raise InvalidInput("Step {number} names an input twice.", number=number)
    for each in step.inputs:
        if each in known:
            continue
        if each.startswith(FILE):
            raise InvalidInput("Step {number} reads {input}, but the task has no file of that number.", number=number, input=each[:20])
        if each not in numbers:
            raise InvalidInput("Step {number} reads {input}, which is no step or file of the task.", number=number, input=each[:20])
        other = numbers[each]
        if other == number:
            raise InvalidInput("Step {number} reads its own result.", number=number)
        if other > number:
            if step.id in _all_read(each, steps):
                raise InvalidInput("Steps {first} and {second} wait for each other.", first=number, second=other)
            raise InvalidInput("Step {number} reads the result of step {other}, which comes later. Move it.", number=number, other=other)


def _all_read(step_id: str, steps: Sequence[Step]) -> set[str]:
    """Return the ids of all steps that a step reads, directly or through others."""
    by_id = {each.id: each for each in steps}
    found: set[str] = set()
    waiting = [step_id]
    while waiting:
        for each in by_id[waiting.pop()].inputs:
            if each in by_id and each not in found:
                found.add(each)
                waiting.append(each)
    return found


def _read_steps(step: Step, steps: Sequence[Step]) -> list[Step]:
    return [each for each in steps if each.id in step.inputs]


def _check_inputs(step: Step, number: int, files: Sequence[TaskFile], read: Sequence[Step]) -> None:
    rows = [each for each in read if each.kind in (StepKind.QUERY, StepKind.SEARCH, StepKind.CHART, StepKind.BOXES)]
    match step.kind:
        case StepKind.QUERY:
            if not step.inputs:
                raise InvalidInput("Step {number} needs a table to query: a file, or a step with rows.", number=number)
            if without := next((each for each in files if not each.has_tables), None):
                raise InvalidInput("Step {number} queries {name}, which has no table.", number=number, name=without.name)
            if len(rows) < len(read):
                raise InvalidInput("Step {number} can query files, and steps that give rows.", number=number)
        case StepKind.READ:
            if len(files) != 1 or read or files[0].is_image:
                raise InvalidInput("Step {number} needs one document or text file to read.", number=number)
        case StepKind.CHART:
            if len(rows) != 1 or len(step.inputs) != 1:
                raise InvalidInput("Step {number} needs one step with rows to draw.", number=number)
        case StepKind.BOXES:
            if len(files) != 1 or read or not files[0].is_image:
                raise InvalidInput("Step {number} needs one image to find boxes on.", number=number)
        case StepKind.SEARCH | StepKind.ASK:
            if step.inputs:
                raise InvalidInput("Step {number} reads nothing: remove its inputs.", number=number)
        case StepKind.WRITE:
            if image := next((each for each in files if each.is_image), None):
                sentence = "Step {number} reads {name}, an image. Find boxes on it in a step of its own."
                raise InvalidInput(sentence, number=number, name=image.name)
