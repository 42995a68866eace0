"""Read the texts that the guide learns: what it answers, and how people ask for it.

Each file in `texts/` holds intents, about pages or tasks that belong together:

    # rename
    answer en: Rename a chat in its menu: open **More** and choose **Rename**.
    answer zh: 重命名对话：打开“更多”，选择“重命名”。
    ask en: how do I rename a chat | change the title of a conversation
    ask zh: 怎么重命名对话 | 修改聊天标题
    held out en: my chat has a bad name
    held out zh: 怎么给聊天换名称

An answer marks each name of a page, tab or button: **bold** in English, “quoted” in Chinese. A test compares them with the catalogues of
the pages. The phrasings that are held out are never trained on; they measure how well the guide answers what it has not seen.

`lists/` holds what questions outside the portal are made of, and how wording varies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parent
SMALL_TALK = "small_talk.txt"
_NAMES = {"en": re.compile(r"\*\*(.+?)\*\*"), "zh": re.compile("“(.+?)”")}


class Language(StrEnum):
    """The languages of the guide."""

    EN = "en"
    ZH = "zh"


Texts = dict[Language, list[str]]


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that people ask about, with the answer."""

    name: str
    answers: dict[Language, str]
    questions: Texts
    held_out: Texts
    small_talk: bool = False
    """Whether it is a greeting or the like, which is asked in few words."""

    def names(self, language: Language) -> set[str]:
        """Return the names of pages, tabs and buttons in the answer."""
        return set(_NAMES[language].findall(self.answers[language]))


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """What questions outside the portal are made of, and the one answer to them."""

    answers: dict[Language, str]
    topics: Texts
    actions: Texts
    topic_frames: Texts
    action_frames: Texts
    others: Texts
    held_out: Texts


def intents() -> list[Intent]:
    """Return all intents, file by file."""
    found: list[Intent] = []
    for path in sorted((FOLDER / "texts").glob("*.txt")):
        blocks = re.split(r"^# ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
        found += [_intent(block.split("\n", 1)[0], _fields(block), path.name == SMALL_TALK) for block in blocks]
    return found


def out_of_scope() -> OutOfScope:
    """Return what is outside the guide's knowledge."""
    fields = _fields((FOLDER / "lists" / "out_of_scope.txt").read_text("utf-8"))
    return OutOfScope(
        answers=_answers(fields),
        topics=_texts(fields, "topics"),
        actions=_texts(fields, "actions"),
        topic_frames=_texts(fields, "topic frames"),
        action_frames=_texts(fields, "action frames"),
        others=_texts(fields, "others"),
        held_out=_texts(fields, "held out"),
    )


def lists(name: str) -> dict[str, list[str]]:
    """Return the lists of a file in `lists/` by their names, which end in a language."""
    return {key: value.split("|") for key, value in _fields((FOLDER / "lists" / name).read_text("utf-8")).items()}


def _fields(text: str) -> dict[str, str]:
    """Return the lines of the form `name: value`."""
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and not line.startswith("#"))


def _intent(name: str, fields: dict[str, str], small_talk: bool) -> Intent:
    return Intent(
        name=name.strip(),
        answers=_answers(fields),
        questions=_texts(fields, "ask"),
        held_out=_texts(fields, "held out"),
        small_talk=small_talk,
    )


def _answers(fields: dict[str, str]) -> dict[Language, str]:
    return {language: fields[f"answer {language}"] for language in Language}


def _texts(fields: dict[str, str], what: str) -> Texts:
    return {language: fields[f"{what} {language}"].split(" | ") for language in Language}
