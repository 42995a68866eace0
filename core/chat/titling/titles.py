"""Choose a conversation's title from its first question, or from the answer if the question says little."""

from __future__ import annotations

import re
from collections.abc import Collection

from core.characters import one_line

TITLE_CHARS = 60
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear (?:all|team)|good (?:morning|afternoon|evening)|你好|您好|大家好)(?: (?:there|all|everyone|team))?"
    r"[\s,.!，。！]*",
    re.I,
)
_REQUEST = re.compile(
    r"(?:(?:please|kindly|(?:can|could|would|will) you(?: please| kindly)?|i(?: would|'d) like you to|i (?:want|need) you to"
    r"|help me(?: to)?)\b"
    r"|请你|请|麻烦你?|能不能|可以|帮我)[\s,，]*",
    re.I,
)
_POINTS_ELSEWHERE = re.compile(r"\b(?:this|that|it|these|those|above|below|attached)\b|这|那|它|上面|下面|附件", re.I)
_EMPTY = re.compile(
    r"[\s\W]*(?:continue|go on|more|again|why|how|what|test(?:ing)?|help|explain"
    r"|summari[sz]e|translate|shorten|rewrite|继续|为什么|测试|帮助|总结(?:一下)?|翻译(?:一下)?|解释(?:一下)?)[\s\W]*",
    re.I,
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MARKS = re.compile(r"[*_`~]+|^(?:[-+>]|\d+[.)])\s+")
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*$")
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.M | re.S)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|[。！？]")
_LABEL = re.compile(r"(?:title|标题|題目|题目)\s*[:：]\s*", re.I)
_PART_END = re.compile(r"[:;,.!?] | [-–—] |[：；，。！？]")
LINES = 8
"""Number of lines of an answer that are searched for a heading."""


def title_of(question: str) -> str:
    """Return the first meaningful line, without a greeting or "could you please", cut at a word."""
    lines = [line for raw in question.split("\n") if (line := " ".join(raw.split()))]
    line = next((each for each in lines if not _GREETING.fullmatch(each)), lines[0] if lines else "")
    bare = _GREETING.sub("", line, count=1) if (found := _GREETING.match(line)) and re.search(r"[,.!，。！]", found[0]) else line
    while (asked := _REQUEST.match(bare)) and asked.end() < len(bare):
        bare = bare[asked.end() :]
    return _cut(bare[:1].upper() + bare[1:] if bare != line else line)


def better_title(title: str, question: str, answer: str, taken: Collection[str]) -> str:
    """Return a better title for an answered conversation if its title says little or is already taken.

    title: the result of title_of() for the question. taken: the titles of the person's other conversations.
    """
    others = {each.casefold() for each in taken}
    if not _says_little(question) and title.casefold() not in others:
        return title
    found = _title_in(answer)
    return found if found and found.casefold() not in others else title


def written_title(text: str, question: str, answer: str) -> str | None:
    """Return a model's title, shortened and cleaned; None if it says nothing about the chat."""
    line = next((line for raw in text.split("\n") if (line := one_line(raw))), "")
    line = _LABEL.sub("", _MARKS.sub("", line).lstrip("# "))
    line = line.strip(" .,;:。，；：\"'“”‘’「」『』《》")
    if not _topics(line) & _topics(f"{question}\n{answer}"):
        return None
    if len(line) > TITLE_CHARS and len(_WORD.findall(first := _PART_END.split(line, maxsplit=1)[0])) >= 2:
        line = first
    return _cut(line[:1].upper() + line[1:])


def _topics(text: str) -> set[str]:
    """Return the words that show a text's subject: words of four letters or more, and pairs of wide characters."""
    words = {word[: max(4, len(word) - 1)] for word in _WORD.findall(_WIDE.sub(" ", text.casefold())) if len(word) >= 4}
    wide = "".join(c if _WIDE.match(c) else " " for c in text)
    return words | {wide[at : at + 2] for at in range(len(wide) - 1) if " " not in wide[at : at + 2]}


def _says_little(question: str) -> bool:
    """Tell whether a title needs its chat or file to be understood: "Continue", "Summarize this"."""
    words = len(_WORD.findall(_WIDE.sub("", question))) + len(_WIDE.findall(question)) / 2
    return words == 0 or _EMPTY.fullmatch(question) is not None or (words <= 5 and _POINTS_ELSEWHERE.search(question) is not None)


def _title_in(answer: str) -> str | None:
    """Return the first heading of an answer, else its first sentence; None if neither says enough."""
    lines = [line.strip() for line in _FENCED.sub("", answer).split("\n") if line.strip()][:LINES]
    heading = next((found[1] for line in lines if (found := _HEADING.fullmatch(line))), None)
    prose = next((line for line in lines if not line.startswith(("|", "$$", "#"))), "")
    for text in (heading, _SENTENCE_END.split(prose, maxsplit=1)[0]):
        bare = _MARKS.sub("", text or "").strip(" .,;:，。；：")
        if len(_WORD.findall(bare)) >= 2 or len(_WIDE.findall(bare)) >= 4:
            return _cut(" ".join(bare.split()))
    return None


def _cut(line: str) -> str:
    if len(line) <= TITLE_CHARS:
        return line
    cut = line[: TITLE_CHARS - 1]
    if " " in cut[TITLE_CHARS // 2 :]:
        cut = cut[: cut.rfind(" ")]
    return cut.rstrip(" .,;:，。；：") + "…"
