"""Read the texts that the guide learns: what it answers, and how people ask for it.

Each file in `texts/` holds intents, about pages or tasks that belong together:

    # rename
    answer en: Rename a chat in its menu: open **More** and choose **Rename**.
    answer zh: 重命名对话：打开“更多”，选择“重命名”。
    ask en: how do I rename a chat | change the title of a conversation
    ask zh: 怎么重命名对话 | 修改聊天标题
    say en: (my chat|this conversation) has (no title|a wrong name)
    do en: rename (a|my) (chat|conversation)
    do zh: 重命名(对话|聊天)
    thing en: the title of a chat
    held out en: my chat has a bad name
    held out zh: 怎么给聊天换名称

An answer marks each name of a page, tab or button: **bold** in English, “quoted” in Chinese. A test compares them with the catalogues of
the pages. The phrasings that are held out are never trained on; they measure how well the guide answers what it has not seen.

Beside whole questions there can be patterns, in which (one|another) stands for either: `say` for sentences, `do` for what follows
"how do I", and `thing` for what follows "what is".

`lists/` holds what questions outside the portal are made of, and how wording varies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parent
SMALL_TALK = "small_talk.txt"
OUT_OF_SCOPE = "out_of_scope"
"""The topic of questions outside the portal."""
_NAMES = {"en": re.compile(r"\*\*(.+?)\*\*"), "zh": re.compile("“(.+?)”")}


class Language(StrEnum):
    """The languages of the guide."""

    EN = "en"
    ZH = "zh"


Texts = dict[Language, list[str]]


@dataclass(frozen=True, slots=True)
class FirstDay:
    """A question that people ask on their first day, which is never trained on, and the topics that answer it."""

    question: str
    language: Language
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that people ask about, with the answer."""

    name: str
    answers: dict[Language, str]
    questions: Texts
    held_out: Texts
    sentences: Texts
    actions: Texts
    things: Texts
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


def first_day() -> list[FirstDay]:
    """Return what people ask on their first day."""
    found = []
    for key, value in _fields((FOLDER / "lists" / "first_day.txt").read_text("utf-8")).items():
        topics, language = key.split(" ")
        found += [FirstDay(each, Language(language), tuple(topics.split("/"))) for each in value.split(" | ")]
    return found


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
        sentences=_texts(fields, "say", optional=True),
        actions=_texts(fields, "do", optional=True),
        things=_texts(fields, "thing", optional=True),
        small_talk=small_talk,
    )


def _answers(fields: dict[str, str]) -> dict[Language, str]:
    return {language: fields[f"answer {language}"] for language in Language}


def _texts(fields: dict[str, str], what: str, *, optional: bool = False) -> Texts:
    """Return the entries of a line in each language. optional: without the line there are none."""
    lines = {language: fields.get(f"{what} {language}", "") if optional else fields[f"{what} {language}"] for language in Language}
    return {language: line.split(" | ") if line else [] for language, line in lines.items()}
