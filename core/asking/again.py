"""Ask a rated question again after its fix, of the model or preset or with the prompt that has the fix."""

from __future__ import annotations

from core.asking.asking import Asking, Question
from core.chat.records import TurnOptions
from core.errors import InvalidInput, NotFound
from core.inference.gateway import Gateway
from core.people.permissions import Permission, require
from core.people.records import User
from core.prompts.blanks import with_question
from core.review.cases.fixing_prompts import fixing_prompt
from core.review.own_feedback import OwnFeedback
from core.unit_of_work import UnitOfWorkFactory


class AskingAgain:
    """Asks own rated questions again, each in a new conversation."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, asking: Asking, own_feedback: OwnFeedback, gateway: Gateway) -> None:
        self._unit_of_work = unit_of_work
        self._asking = asking
        self._own_feedback = own_feedback
        self._gateway = gateway

    def ask(self, user: User, message_id: str, request_id: str) -> str:
        """Ask the question of an own rating again; return the new conversation's id. message_id: of the answer.

        The model or preset with the fix answers if this person may use it, else the default. A prompt with the fix is asked with the
        question in its blank. The same `request_id` again asks nothing new.
        Raises NotFound, InvalidInput for a question with files or a lost prompt, Conflict without a fix, and what Asking.ask raises.
        """
        require(user, Permission.CHAT)
        own = self._own_feedback.get(user, message_id)
        if own.question is None or own.conversation_id is None:
            raise NotFound("The chat of this rating was deleted, and its question with it.")
        with self._unit_of_work() as work:
            answer = work.messages.get(message_id)
            question = work.messages.get(answer.parent_id) if answer is not None and answer.parent_id else None
            prompt = fixing_prompt(work, own.fix_prompt, user) if own.fix_prompt else None
        if question is not None and question.files:
            raise InvalidInput("This question has files. Open the chat, and send it again with them.")
        model = self._gateway.chat_model(user, own.fix_model or None)
        options = TurnOptions(model=model.name if model else None)
        text = with_question(prompt.text, own.question) if prompt else own.question
        asked = self._asking.ask(user, None, Question(text=text, options=(options,), request_id=request_id))
        self._own_feedback.note_asked(user, message_id, asked.conversation_id)
        return asked.conversation_id
