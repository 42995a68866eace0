"""Find the version of a prompt that fixed a case, for those who may use it."""

from __future__ import annotations

from core.errors import InvalidInput
from core.people.records import User
from core.prompts.blanks import blanks
from core.prompts.records import PromptVersion
from core.unit_of_work import UnitOfWork

_UNUSABLE = "The rater cannot use this prompt, or it is gone. Publish it or share it with the rater's group, or name another fix."


def fixing_prompt(work: UnitOfWork, named: str, *people: User | None) -> PromptVersion:
    """Return the version that `named`, ID:VERSION, names. Raises InvalidInput unless all these people may use the prompt.

    It has at most one blank, which the question fills: nobody is there to fill others when the question is asked again.
    """
    prompt_id, _, number = named.partition(":")
    for person in people:
        if person is None or all(each.id != prompt_id for each in work.prompts.visible(person.id, person.group)):
            raise InvalidInput(_UNUSABLE)
    found = next((each for each in work.prompts.versions(prompt_id) if str(each.number) == number), None)
    if found is None:
        raise InvalidInput(_UNUSABLE)
    if (n := len(blanks(found.text))) > 1:
        raise InvalidInput("This prompt has {n} blanks. A fix can name a prompt with at most one, which the question fills.", n=n)
    return found
