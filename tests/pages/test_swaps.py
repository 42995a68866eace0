from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from bootstrap.portal import Portal, build_portal
from core.errors import StoredError
from core.models.records import ModelState, Residency
from core.models.swaps.records import Decision, Swap, SwapOptions, SwapState
from core.people.records import Role, User
from samples.fakes import FILE, MODEL, FakePool, FakeRouter
from settings import Settings
from tests.fake_swaps import FAILED, FakeSuccessions
from tests.pages.seeded import NoHasher, texts

NEW = replace(FILE, path=Path("/models/new.gguf"), name="new", quantization="Q8_0")
PATIENCE_S = 60


@pytest.fixture
def successions() -> FakeSuccessions:
    return FakeSuccessions()


@pytest.fixture
def portal(tmp_path: Path, successions: FakeSuccessions) -> Iterator[Portal]:
    pool = FakePool(on_disk=[FILE, NEW])
    portal = build_portal(Settings(home=tmp_path), pool=pool, router=FakeRouter(), hasher=NoHasher(), successions=successions)
    yield portal
    portal.close()


@pytest.fixture
def admin(portal: Portal) -> User:
    return portal.accounts.add(None, "mei", Role.ADMIN, password="long enough", full_name="Mei Lin")


def drawn(portal: Portal, user: User, swap: str | None = None, ask: str | None = None) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.models import models

        models.render(portal, user)

    test = AppTest.from_function(page, default_timeout=60, args=(portal, user))
    if swap:
        test.query_params["swap"] = swap
    if ask:
        test.session_state["models-swap"] = ask
    return test.run()


def until(portal: Portal, admin: User, swap: Swap, come: Callable[[Swap], bool]) -> Swap:
    deadline = time.monotonic() + PATIENCE_S
    while not come(now := portal.swaps.get(admin, swap.id)):
        assert time.monotonic() < deadline, now
        time.sleep(0.02)
    return now


def test_a_successor_is_chosen_and_the_swap_opens(portal: Portal, admin: User) -> None:
    page = drawn(portal, admin, ask="fake")
    assert not page.exception
    assert "Both versions fit into memory, so no one waits." in texts(page)
    page.session_state["models-swap"] = "fake"  # A click in a browser runs the dialog alone; here it runs the page.
    page.button("swap-yes").click().run()
    assert not page.exception
    [swap] = portal.swaps.list(admin)
    assert (swap.model, swap.new_path, swap.started_by_name) == ("fake", NEW.path, "Mei Lin")
    assert page.query_params["swap"] in (swap.id, [swap.id])


def test_without_memory_for_both_the_dialog_says_who_waits(portal: Portal, admin: User, successions: FakeSuccessions) -> None:
    successions.beside = False
    page = drawn(portal, admin, ask="fake")
    assert "leaves first; new questions wait meanwhile" in texts(page)


def test_a_finished_swap_shows_its_steps_and_answers(portal: Portal, admin: User) -> None:
    swap = portal.swaps.start(admin, "fake", NEW.path, SwapOptions(watch_s=0))
    until(portal, admin, swap, lambda now: now.state is SwapState.DONE)
    page = drawn(portal, admin, swap.id)
    shown = texts(page)
    assert not page.exception
    for words in ("Swap of fake", "Done", "Load the new version", "Canary questions", "Switch all traffic", "A computer is a machine"):
        assert words in shown
    assert "swap-roll-back" not in [button.key for button in page.button]


def test_a_rolled_back_swap_says_why(portal: Portal, admin: User, successions: FakeSuccessions) -> None:
    successions.loads = replace(FAILED, error=StoredError("The file is damaged."))
    swap = portal.swaps.start(admin, "fake", NEW.path)
    until(portal, admin, swap, lambda now: not now.active)
    shown = texts(drawn(portal, admin, swap.id))
    assert "Rolled back" in shown and "The file is damaged" in shown


def test_an_admin_accepts_replayed_answers_on_the_page(portal: Portal, admin: User) -> None:
    portal.swaps.add_replay(admin, "fake", "What is it?", "A machine.")
    swap = portal.swaps.start(admin, "fake", NEW.path, SwapOptions(watch_s=0, replay=True))
    until(portal, admin, swap, lambda now: now.state is SwapState.ASKING)
    page = drawn(portal, admin, swap.id)
    assert "<mark>" in texts(page) and "A machine." in re.sub("</?mark>", "", texts(page)), "what differs is marked"
    assert "Waits for your decision" in texts(page)
    page.button("swap-approve").click().run()
    assert until(portal, admin, swap, lambda now: not now.active).state is SwapState.DONE


def test_an_admin_says_why_a_version_that_answers_otherwise_may_serve(portal: Portal, admin: User) -> None:
    portal.swaps.add_replay(admin, "fake", "What is it?", "Something else entirely.")
    swap = portal.swaps.start(admin, "fake", NEW.path, SwapOptions(watch_s=0, replay=True, replay_passes=1.0))
    until(portal, admin, swap, lambda now: now.state is SwapState.ASKING)
    page = drawn(portal, admin, swap.id)
    assert "0 of 1 answers pass; 1 must." in texts(page) and "0 % of the words are shared" in texts(page)
    page.button("swap-approve").click().run()
    assert portal.swaps.get(admin, swap.id).state is SwapState.ASKING, "the dialog asks first"
    portal.swaps.decide(admin, swap.id, Decision.APPROVE, "It is outdated")
    until(portal, admin, swap, lambda now: not now.active)
    assert "An admin let it serve anyway" in texts(drawn(portal, admin, swap.id))


def test_canary_and_replay_questions_are_kept_on_the_page(portal: Portal, admin: User) -> None:
    page = drawn(portal, admin)
    page.text_area("canary-question").input("What is the capital of France?")
    page.text_input("canary-pattern").input("Paris")
    next(button for button in page.button if button.label == "Add").click().run()
    [canary] = portal.swaps.canaries(admin)
    assert (canary.question, canary.pattern) == ("What is the capital of France?", "Paris")
    page.button(f"remove-canary-{canary.id}").click().run()
    assert list(portal.swaps.canaries(admin)) == []


def test_a_swap_that_does_not_exist_says_so(portal: Portal, admin: User) -> None:
    assert "This swap does not exist" in texts(drawn(portal, admin, "0" * 32))


def test_an_admin_sets_when_a_model_leaves_memory(portal: Portal, admin: User) -> None:
    def page() -> AppTest:
        drawn = AppTest.from_function(_models, default_timeout=60, args=(portal, admin))
        drawn.session_state["models-residency"] = "fake"
        return drawn.run()

    drawn = page()
    drawn.number_input("residency-idle-fake").set_value(30)
    drawn.text_input("residency-at-fake").input("7 o'c")
    drawn.session_state["models-residency"] = "fake"
    drawn.button("residency-yes").click().run()
    assert "is not a time of day" in drawn.error[0].value
    drawn.text_input("residency-at-fake").input("07:30")
    drawn.session_state["models-residency"] = "fake"
    drawn.button("residency-yes").click().run()
    assert not drawn.exception
    assert isinstance(portal.pool, FakePool) and ("reside", Residency(30, "07:30")) in portal.pool.asked


def test_a_sleeping_model_says_how_it_comes_back(portal: Portal, admin: User) -> None:
    assert isinstance(portal.pool, FakePool)
    portal.pool.models = [replace(MODEL, state=ModelState.SLEEPING, residency=Residency(30, "07:30"))]
    page = drawn(portal, admin)
    said = [each.value for each in page.caption]
    assert "No one used it, so it left memory. The next question loads it again." in said
    assert "Leaves memory after 30 idle minutes · back at 07:30 on weekdays" in said


def _models(portal: object, user: object) -> None:
    from pages.models import models

    models.render(portal, user)
