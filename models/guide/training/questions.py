"""Draw questions with their answers, as people might ask them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from models.guide.training.texts import Intent, Language, OutOfScope, first_day, intents, out_of_scope
from models.guide.training.wording import about, varied, written_out

_SHARE_OUT_OF_SCOPE = 0.2
_SHARE_OF_WHOLE = 0.45
"""How often a question is one of those written as a whole, and not made from a pattern."""
_OBJECTS = {
    Language.EN: re.compile(
        r"\b(chats?|conversations?|models?|answers?|reply|user|group|folder|message|prompts?|preset|API key|theme|role|password|"
        r"quantization|temperature|account|link|report|backup|plugin|platform|GPU memory|portal|memory)\b",
        re.IGNORECASE,
    ),
    Language.ZH: re.compile(
        "聊天|对话|模型|回答|回复|用户|文件夹|消息|提示词|预设|密钥|主题|角色|密码|量化|账号|链接|备份|插件|平台|显存|门户|部门|记忆"
    ),
}
"""What the portal is about. Such a word replaced by a foreign topic makes a question that only sounds like the portal."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A question with the answer that the guide should give."""

    question: str
    answer: str


class Questions:
    """Draws questions from all texts."""

    def __init__(self) -> None:
        self.intents = intents()
        self.out_of_scope = out_of_scope()
        kept = [each.question for each in first_day()]
        kept += [each for intent in self.intents for language in Language for each in intent.held_out[language]]
        self._held_out = {plain(each) for each in kept}

    def draw(self, language: Language, random: Random) -> Drawn:
        """Return a question that is varied at random, and never one that is held out."""
        while True:
            drawn = self._draw(language, random)
            if plain(drawn.question) not in self._held_out:
                return drawn

    def _draw(self, language: Language, random: Random) -> Drawn:
        if random.random() < _SHARE_OUT_OF_SCOPE:
            question = varied(_foreign(self.intents, self.out_of_scope, language, random), language, random, short=random.random() < 0.5)
            return Drawn(question, self.out_of_scope.answers[language])
        intent = random.choice(self.intents)
        question = varied(_asked(intent, language, random), language, random, short=intent.small_talk)
        return Drawn(question, intent.answers[language])


def plain(question: str) -> str:
    """Return the question without what makes no other question of it: case, and signs at its ends."""
    return question.lower().strip(" ?？!！.。")


def _asked(intent: Intent, language: Language, random: Random) -> str:
    """Return a question about the intent: one as it is written, or one made from a pattern."""
    patterns = [*intent.sentences[language], *intent.actions[language], *intent.things[language]]
    if not patterns or random.random() < _SHARE_OF_WHOLE:
        return random.choice(intent.questions[language])
    kinds = [each for each in (intent.sentences, intent.actions, intent.things) if each[language]]
    kind = random.choice(kinds)
    text = written_out(random.choice(kind[language]), random)
    if kind is intent.actions:
        return f"how do I {text}" if language is Language.EN else f"怎么{text}"
    return about(text, language, random) if kind is intent.things else text


def _foreign(known: list[Intent], outside: OutOfScope, language: Language, random: Random) -> str:
    """Return a question about something outside the portal."""
    topics, kind = outside.topics[language], random.random()
    if kind < 0.22:
        asked = random.choice(random.choice(known).questions[language])
        replaced = _OBJECTS[language].sub(lambda _: random.choice(topics), asked)
        if replaced != asked:
            return replaced
    if kind < 0.55:
        return random.choice(outside.topic_frames[language]).format(topic=random.choice(topics), other=random.choice(topics))
    if kind < 0.80:
        return random.choice(outside.action_frames[language]).format(action=random.choice(outside.actions[language]))
    if kind < 0.94:
        return random.choice(outside.others[language]).format(a=random.randint(2, 2500), b=random.randint(2, 999))
    words = " ".join(topics).split() if language is Language.EN else list("".join(topics))
    return ("" if language is Language.ZH else " ").join(random.choice(words) for _ in range(random.randint(4, 14)))
