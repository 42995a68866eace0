"""Find the words of a question and of a passage that say what it is about."""

from __future__ import annotations

from core.knowledge.relevance import terms_of

_ENGLISH_WORDS = (
    "a about after all an and any are as at be because been before but by can could did do does each explain for from get gets got had "
    "has have how i if in is it its long many may me might much must my need needs no not of on or our out over please shall should so "
    "some such tell than that the their them then there these they this those to under up us was we were what when where which who whom "
    "whose why will with would you your"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_CHINESE = frozenset("的了是在吗呢么什怎如何哪谁为我你他它们这那有和与及或个要能可会应该请问多少几之于被把就都也还吧啊")


def question_words(question: str) -> list[str]:
    """Return the distinct words of a question without function words; all of them if nothing else is left."""
    found = list(dict.fromkeys(terms_of(question)))
    content = [word for word in found if not _is_function(word)] or found
    return list(dict.fromkeys(map(_base, content)))


def passage_words(heading: str, text: str) -> list[str]:
    """Return the words of a passage and its heading."""
    return [_base(word) for word in terms_of(f"{heading}\n{text}")]


def _is_function(word: str) -> bool:
    return word in _ENGLISH or (word in _STEMS) or any(character in _CHINESE for character in word)


def _base(word: str) -> str:
    """Return the same word for invoice and invoices, delivery and deliveries, pay and paying."""
    if not word.isascii() or len(word) < 4 or not word.isalpha():
        return word
    if word.endswith("ing") and len(word) == 6:
        return word[:-3]
    if word.endswith("s") and not word.endswith("ss") and len(word) == 4:
        return word[:-1]
    return word[:-1] if word.endswith("e") else word[:-1] + "i" if word.endswith("y") and len(word) > 4 else word


_STEMS = frozenset(word for each in _ENGLISH for word in terms_of(each))
