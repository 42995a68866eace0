"""Decide who may read and make which datasets: reviewers of some groups only those of one of these groups."""

from __future__ import annotations

from core.errors import InvalidInput, NotFound
from core.people.permissions import Permission, require, reviewed_groups
from core.people.records import User
from core.review.datasets.records import Dataset, DatasetSettings
from core.unit_of_work import UnitOfWork

GONE = "This dataset does not exist. It may have been deleted."


def require_to_make(user: User, settings: DatasetSettings | None = None) -> None:
    """Raise NotAllowed unless the person may take rated answers out of the portal, and InvalidInput for those of other groups."""
    require(user, Permission.REVIEW_FEEDBACK)
    require(user, Permission.EXPORT)
    groups = reviewed_groups(user)
    if settings is not None and groups is not None and settings.group not in groups:
        raise InvalidInput("You review only some groups. Make the dataset of one of them: {names}.", names=", ".join(sorted(groups)))


def may_read(work: UnitOfWork, user: User, dataset: Dataset) -> bool:
    """Tell whether the settings and every version are of a group that the person reviews."""
    groups = reviewed_groups(user)
    if groups is None:
        return True
    return all(each.group in groups for each in (dataset.settings, *(each.settings for each in work.datasets.versions([dataset.id]))))


def readable(work: UnitOfWork, user: User, dataset: Dataset | None) -> Dataset:
    """Return the dataset. Refuse one of other groups like one that does not exist."""
    if dataset is None or not may_read(work, user, dataset):
        raise NotFound(GONE)
    return dataset
