"""Draw questions with their answers, as people might ask them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from models.guide.training.texts import Intent, Language, OutOfScope, intents, out_of_scope
from models.guide.training.wording import varied

_SHARE_OUT_OF_SCOPE = 0.2
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

    def draw(self, language: Language, random: Random) -> Drawn:
        """Return a question that is varied at random."""
        if random.random() < _SHARE_OUT_OF_SCOPE:
            question = varied(_foreign(self.intents, self.out_of_scope, language, random), language, random, short=random.random() < 0.5)
            return Drawn(question, self.out_of_scope.answers[language])
        intent = random.choice(self.intents)
        question = varied(random.choice(intent.questions[language]), language, random, short=intent.small_talk)
        return Drawn(question, intent.answers[language])


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
