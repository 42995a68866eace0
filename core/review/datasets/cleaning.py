"""Decide which examples stay: mask personal data, check lengths, remove duplicates, and limit the examples of each tag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b

from core.people.records import User
from core.review.datasets.duplicates import Duplicates, normalized
from core.review.datasets.examples import Example, LeftOut
from core.review.datasets.records import DatasetSettings, PersonalData, Reason
from core.review.names import NAME, own_name

Mask = Callable[[str], str]


class Cleaner:
    """Cleans the examples of one build, in their order."""

    def __init__(self, settings: DatasetSettings, mask_of: Callable[[User], Mask]) -> None:
        """mask_of: returns what masks the personal data in the texts of this person's conversations."""
        self._settings = settings
        self._mask_of = mask_of
        self._seen: dict[bool, Duplicates] = {}
        self.masked = 0
        """The number of examples in which something was masked."""

    def cleaned(self, example: Example, owner: User) -> Example:
        """Return the example without personal data. Raises LeftOut."""
        clean = example.changed(_then(self._mask_of(owner), _without_names(owner)))
        if clean != example and self._settings.personal_data is PersonalData.LEAVE_OUT:
            raise LeftOut(Reason.PERSONAL_DATA)
        self._check_length(clean)
        self._check_new(clean)
        self.masked += clean != example
        return clean

    def _check_length(self, example: Example) -> None:
        if sum(len(each.content.strip()) for each in example.answer) < self._settings.min_characters:
            raise LeftOut(Reason.TOO_SHORT)
        if sum(map(len, example.texts())) > self._settings.max_characters:
            raise LeftOut(Reason.TOO_LONG)

    def _check_new(self, example: Example) -> None:
        """Compare the question and the answers with those that were kept. The earlier turns do not count."""
        question = example.prompt[-1].content if example.prompt else ""
        answers = [each.content for each in (*example.answer, *example.rejected)]
        normal = normalized("\n".join((question, *answers)))
        seen = self._seen.setdefault(example.wanted.label, Duplicates())
        if seen.is_equal(normal):
            raise LeftOut(Reason.DUPLICATE)
        if self._settings.near_duplicates and seen.is_near(normal):
            raise LeftOut(Reason.NEAR_DUPLICATE)
        seen.keep(normal)


def within_tag_limit(tags: Sequence[tuple[str, Sequence[str]]], limit: int | None) -> list[bool]:
    """Tell for each example whether it stays if no tag may have more than `limit`.

    tags: an id and the tags of each example. The ids decide which stay, by their hash: the choice is even over time and always the same.
    """
    stays = [True] * len(tags)
    if limit is None:
        return stays
    taken: Counter[str] = Counter()
    for number in sorted(range(len(tags)), key=lambda each: blake2b(tags[each][0].encode(), digest_size=8).digest()):
        names = tags[number][1]
        stays[number] = all(taken[name] < limit for name in names)
        if stays[number]:
            taken.update(names)
    return stays


def _then(first: Mask, second: Mask) -> Mask:
    return lambda text: second(first(text))


def _without_names(owner: User) -> Mask:
    """Return what masks the owner's names, as reviewers do not see them either."""
    pattern = own_name(owner.full_name, owner.name)
    return lambda text: pattern.sub(NAME, text) if pattern else text
