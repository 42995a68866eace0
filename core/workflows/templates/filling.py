"""Put values and files into a template: its blanks, and the names of its tables in SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.characters import cut, halves, is_blank, one_line, without_controls
from core.errors import InvalidInput
from core.knowledge.records import StoredFile
from core.knowledge.tables.described import sql_name
from core.prompts.blanks import blanks, filled
from core.workflows.records import MAX_TITLE_LENGTH, Step, StepKind
from core.workflows.steps.sql import is_sql
from core.workflows.templates.records import MAX_VALUE_LENGTH, FileSlot, TaskTemplate

_WITH = re.compile(r"\s*with\s+(recursive\s+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with its blanks filled: what a task is made of."""

    title: str
    request: str
    steps: tuple[Step, ...]


def only_braces(step: Step) -> bool:
    """Tell whether brackets are no blanks in the text of a step, since they have a meaning in SQL."""
    return step.kind is StepKind.QUERY and is_sql(step.text)


def blanks_of(title: str, request: str, steps: Sequence[Step]) -> tuple[str, ...]:
    """Return the names of all blanks, in order."""
    found = [*blanks(title), *blanks(request)]
    for step in steps:
        found += [*blanks(step.title), *blanks(step.text, braces_only=only_braces(step))]
    return tuple(dict.fromkeys(found))


def checked_values(names: Sequence[str], values: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each blank. Raises InvalidInput that names the blank that is missing or wrong."""
    if unknown := next((each for each in values if each not in names), None):
        raise InvalidInput("The template has no blank {name}.", name=unknown[:60])
    checked = {name: without_controls(values.get(name, "")).strip() for name in names}
    for name, value in checked.items():
        if is_blank(value):
            raise InvalidInput("Fill in {name}.", name=name)
        if len(value) > MAX_VALUE_LENGTH or halves(value):
            raise InvalidInput("{name} can have at most {limit} characters.", name=name, limit=MAX_VALUE_LENGTH)
    return checked


def check_files(template: TaskTemplate, files: Sequence[StoredFile]) -> None:
    """Raise InvalidInput for a file that cannot stand for that of the template."""
    for slot, file in zip(template.files, files, strict=True):
        _check_file(slot, file)


def fill(template: TaskTemplate, values: Mapping[str, str], files: Sequence[StoredFile]) -> Filled:
    """Return a template with these values and files, as they were checked."""
    return Filled(
        title=cut(one_line(filled(template.title, values)), MAX_TITLE_LENGTH),
        request=filled(template.request, values),
        steps=tuple(_step(each, values, template.files, files) for each in template.steps),
    )


def _check_file(slot: FileSlot, file: StoredFile) -> None:
    fields = {"name": file.name, "wanted": slot.name}
    if slot.tables and len(file.tables) < len(slot.tables):
        raise InvalidInput("{name} cannot stand for {wanted}: it has too few tables.", **fields)
    if slot.is_image and not file.is_image:
        raise InvalidInput("{name} cannot stand for {wanted}: an image is needed.", **fields)
    if not slot.is_image and file.is_image:
        raise InvalidInput("{name} cannot stand for {wanted}: it is an image.", **fields)


def _step(step: Step, values: Mapping[str, str], slots: Sequence[FileSlot], files: Sequence[StoredFile]) -> Step:
    title = cut(one_line(filled(step.title, values)), MAX_TITLE_LENGTH)
    if not only_braces(step):
        return replace(step, title=title, text=filled(step.text, values))
    # A quote in a value must not end the SQL's text around it.
    statement = filled(step.text, {name: value.replace("'", "''") for name, value in values.items()}, braces_only=True)
    renamed = {
        old: table.name
        for slot, file in zip(slots, files, strict=True)
        if slot.reference in step.inputs
        for old, table in zip(slot.tables, file.tables, strict=False)
        if old != table.name
    }
    return replace(step, title=title, text=_with_old_names(statement, renamed))


def _with_old_names(statement: str, renamed: Mapping[str, str]) -> str:
    """Return SQL that finds the tables under the names that it was written with. renamed: new names by old ones."""
    if not renamed:
        return statement
    # "main" means the tables themselves, even where an old name of one table is the new name of another.
    views = ", ".join(f"{sql_name(old)} AS (SELECT * FROM main.{sql_name(new)})" for old, new in renamed.items())
    if found := _WITH.match(statement):
        return f"WITH {found[1] or ''}{views}, {statement[found.end() :]}"
    return f"WITH {views} {statement.lstrip()}"
