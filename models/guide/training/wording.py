"""Vary how a question is worded: synonyms, polite beginnings and endings, missing words, typing errors, signs at the end."""

from __future__ import annotations

import re
from random import Random

from models.guide.training.texts import Language, lists

_LISTS = lists("wording.txt")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def varied(question: str, language: Language, random: Random, *, short: bool) -> str:
    """Return the question in other words, and in one of seven cases as it is. short: leave its words, as they are few."""
    if random.random() > 0.85:
        return question
    return _english(question, random, short) if language is Language.EN else _chinese(question, random, short)


def about(thing: str, language: Language, random: Random) -> str:
    """Return a question about a thing."""
    return _one("thing", language, random, thing)


def written_out(pattern: str, random: Random) -> str:
    """Return the pattern with one of each (a|b|c)."""
    return re.sub(r"\(([^()]*)\)", lambda found: random.choice(found[1].split("|")), pattern)


def _one(name: str, language: Language, random: Random, rest: str = "") -> str:
    """Return an entry of a list at random, with the rest of the question in it."""
    return random.choice(_LISTS[f"{name} {language}"]).format(rest)


def _synonym(language: Language, random: Random) -> tuple[str, str]:
    word, other = random.choice(_LISTS[f"synonyms {language}"]).split("=")
    return word, other


def _english(question: str, random: Random, short: bool) -> str:
    language = Language.EN
    if not short:
        question = _english_frame(question, random)
        if random.random() < 0.3:
            word, other = _synonym(language, random)
            question = re.sub(rf"\b{word}\b", other, question)
        if random.random() < 0.2:
            question = re.sub(r"\b(my|a|an|the) ", lambda _: random.choice(["my ", "the ", "a ", ""]), question)
        if random.random() < 0.22:
            question = f"{_one('before', language, random)} {question}"
        if random.random() < 0.15:
            question += f" {_one('after', language, random)}"
        words = question.split()
        if random.random() < 0.18 and len(words) > 4:
            del words[random.randrange(len(words))]
            question = " ".join(words)
    if random.random() < 0.18:
        question = _mistyped(question, random)
    case = random.random()
    if case < 0.4:
        question = question[:1].upper() + question[1:]
    elif case < 0.45:
        question = question.upper()
    elif case < 0.6:
        question = question.lower()
    return question + random.choice(["", "", "?", "?", ".", "!", " ?"])


def _english_frame(question: str, random: Random) -> str:
    if (found := re.match(r"how (?:do|can) I (.*)", question)) and random.random() < 0.55:
        return _one("how", Language.EN, random, found[1])
    if (found := re.match(r"where (?:is|are) (.*)", question)) and random.random() < 0.4:
        return _one("where", Language.EN, random, found[1])
    if (found := re.match(r"(?:can|may) I (.*)", question)) and random.random() < 0.4:
        return _one("may", Language.EN, random, found[1])
    return question


def _mistyped(question: str, random: Random) -> str:
    letters = list(question)
    for _ in range(1 + (random.random() < 0.3)):
        if len(letters) < 5:
            break
        at, kind = random.randrange(1, len(letters) - 1), random.random()
        if kind < 0.3:
            letters[at], letters[at - 1] = letters[at - 1], letters[at]
        elif kind < 0.6:
            del letters[at]
        elif kind < 0.8:
            letters.insert(at, letters[at])
        else:
            letters[at] = random.choice(_LETTERS)
    return "".join(letters)


def _chinese(question: str, random: Random, short: bool) -> str:
    language = Language.ZH
    if not short:
        question = _chinese_frame(question, random)
        if random.random() < 0.35:
            question = question.replace(*_synonym(language, random))
        if random.random() < 0.22:
            question = _one("before", language, random) + question
        if random.random() < 0.12:
            question += _one("after", language, random)
        if random.random() < 0.2 and len(question) > 5:
            at = random.randrange(len(question))
            question = question[:at] + question[at + 1 :]
        if random.random() < 0.08 and len(question) > 5:
            at = random.randrange(len(question) - 1)
            question = question[:at] + question[at + 1] + question[at] + question[at + 2 :]
    return question + random.choice(["", "", "？", "？", "?", "。", "！"])


def _chinese_frame(question: str, random: Random) -> str:
    if (found := re.match("(?:怎么|如何)(.*)", question)) and random.random() < 0.55 and "办" not in question[-2:]:
        return _one("how", Language.ZH, random, found[1])
    if (found := re.match("(.*)在哪里$", question)) and random.random() < 0.4:
        return _one("where", Language.ZH, random, found[1])
    return question
