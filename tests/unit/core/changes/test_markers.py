"""What charts mark: prompts, presets and prices, with names that a reader may see."""

from __future__ import annotations

from datetime import timedelta

from core.changes.markers import marked
from core.changes.records import Change
from core.inference.choosing.presets import Presets
from core.inference.offers import Preset
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.prompts.library import PromptLibrary
from core.prompts.records import Share
from core.unit_of_work import UnitOfWorkFactory
from core.usage.money.records import Price
from core.usage.money.service import Money
from core.usage.rollups.service import Rollups
from tests.unit.core.conftest import MovingClock


def seen(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> list[tuple[str, str, dict[str, str]]]:
    with unit_of_work() as work:
        found = marked(work, clock() - timedelta(days=1), clock() + timedelta(days=1))
    return [(each.kind, each.subject, dict(each.details)) for each in found]


def test_a_prompt_is_marked_once_everyone_sees_it(unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User) -> None:
    library = PromptLibrary(unit_of_work, PrivacyFilter(unit_of_work, clock), clock)
    prompt = library.add(admin, "Rates", "one")
    library.change(admin, prompt.id, text="two")
    assert seen(unit_of_work, clock) == []
    library.share(admin, prompt.id, Share.EVERYONE)
    clock.forward(seconds=60)
    library.change(admin, prompt.id, title="Treasury rates")
    assert seen(unit_of_work, clock) == [(Change.PROMPT, "Treasury rates", {"version": each}) for each in ("2", "3")]
    library.share(admin, prompt.id, Share.OWN)
    assert {subject for _, subject, _ in seen(unit_of_work, clock)} == {""}, "its title is private again"


def test_a_preset_is_marked_while_it_is_offered(unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User) -> None:
    presets, at = Presets(unit_of_work, clock), clock()
    draft = Preset(name="Letters", model="glm", created_at=at, updated_at=at, updated_by=admin.id)
    presets.save(admin, draft, new=True)
    assert seen(unit_of_work, clock) == []
    for act in (
        lambda: presets.publish(admin, "Letters", published=True),
        lambda: presets.save(admin, presets.get(admin, "Letters")),
        lambda: presets.remove(admin, "Letters"),
    ):
        clock.forward(seconds=60)
        act()
    assert [details["state"] for _, _, details in seen(unit_of_work, clock)] == ["offered", "changed", "withdrawn"]


def test_a_price_is_marked_when_it_begins(unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User) -> None:
    begins = clock() - timedelta(hours=3)
    price = Price(model="glm", currency="EUR", input=1.0, valid_from=begins)
    Money(unit_of_work, Rollups(unit_of_work, clock), clock).set_price(admin, price)
    with unit_of_work() as work:
        [marker] = marked(work, begins, begins + timedelta(seconds=1))
    assert (marker.kind, marker.subject) == (Change.PRICE, "glm")
