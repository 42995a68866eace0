"""Presets, access rules and default models of groups hold at every call of the gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.inference.choosing.access import ModelAccess
from core.inference.choosing.presets import Presets
from core.inference.gateway import Gateway
from core.inference.offers import Preset
from core.inference.records import Source
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, SamplingParams, Tool
from core.inference.vectors import EmbeddingRequest
from core.models.records import LoadedModel, ModelKind
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import MODEL, FakeRouter
from tests.unit.core.conftest import MovingClock

NOW = datetime(2026, 11, 2, tzinfo=UTC)
TOOL = Tool("look_up", "Look it up", '{"type": "object"}')
LEGAL = Preset(
    name="legal", model="fake", created_at=NOW, updated_at=NOW, title="Legal helper", system_prompt="You know contracts.",
    params=SamplingParams(temperature=0.2, top_p=0.5, stop=("END",)), thinking=False, tools=(TOOL,), published=True,
)  # fmt: skip
ASKED = GenerationRequest((ChatMessage(ChatRole.USER, "Hello?"),), "ana")


def model(name: str, kind: ModelKind = ModelKind.CHAT, *, default: bool = False) -> LoadedModel:
    return replace(MODEL, name=name, file=replace(MODEL.file, kind=kind), default=default)


Ask = Callable[..., GenerationRequest]


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter(available=[model("fake", default=True), model("large")])


@pytest.fixture
def gateway(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Gateway:
    return Gateway(unit_of_work, router, clock)


@pytest.fixture
def presets(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Presets:
    return Presets(unit_of_work, clock)


@pytest.fixture
def access(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> ModelAccess:
    return ModelAccess(unit_of_work, clock)


@pytest.fixture
def asked(gateway: Gateway, router: FakeRouter) -> Ask:
    """Ask, and return what reached the router."""

    def ask(user: User, model: str | None, source: Source = Source.API, **changes: object) -> GenerationRequest:
        gateway.answer(user, replace(ASKED, model=model, **changes), source)  # type: ignore[arg-type]
        return router.requests[-1]

    return ask


def names(gateway: Gateway, user: User) -> list[str]:
    return [each.name for each in gateway.chat_models(user)]


def test_a_preset_is_asked_by_its_name(presets: Presets, asked: Ask, admin: User, ana: User) -> None:
    presets.save(admin, LEGAL)
    request = asked(ana, "legal")
    assert (request.model, request.thinking, request.tools) == ("fake", False, (TOOL,))
    assert request.params == SamplingParams(temperature=0.2, top_p=0.5, stop=("END",))
    assert [(message.role, message.content) for message in request.messages] == [("system", "You know contracts."), ("user", "Hello?")]


def test_what_a_request_sets_itself_stays(presets: Presets, asked: Ask, admin: User, ana: User) -> None:
    presets.save(admin, LEGAL)
    own = Tool("own")
    messages = (ChatMessage(ChatRole.SYSTEM, "Be brief."), *ASKED.messages)
    request = asked(ana, "legal", params=SamplingParams(temperature=0.9), tools=(own,), messages=messages)
    assert (request.params.temperature, request.params.top_p, request.tools) == (0.9, 0.5, (own,))
    assert request.messages[0].content == "You know contracts.\n\nBe brief." and len(request.messages) == 2


def test_the_chat_gets_no_tools_of_a_preset(presets: Presets, asked: Ask, admin: User, ana: User) -> None:
    presets.save(admin, LEGAL)
    assert asked(ana, "legal", Source.CHAT).tools == ()


def test_a_draft_is_for_those_who_run_the_models(presets: Presets, gateway: Gateway, asked: Ask, admin: User, ana: User) -> None:
    presets.save(admin, replace(LEGAL, published=False))
    with pytest.raises(NotFound, match="no model legal"):
        asked(ana, "legal")
    assert asked(admin, "legal").model == "fake"
    assert (names(gateway, ana), names(gateway, admin)) == (["fake", "large"], ["fake", "large", "legal"])
    presets.publish(admin, "legal", published=True)
    assert names(gateway, ana) == ["fake", "large", "legal"]
    [listed] = [each for each in gateway.chat_models(ana) if each.preset_of]
    assert (listed.title, listed.preset_of, listed.thinking, listed.default) == ("Legal helper", "fake", False, False)


def test_a_preset_whose_model_is_gone_is_not_listed(presets: Presets, gateway: Gateway, admin: User, ana: User) -> None:
    presets.save(admin, replace(LEGAL, model="unloaded"))
    assert "legal" not in names(gateway, ana)


def test_a_restricted_model_is_refused_and_not_listed(access: ModelAccess, gateway: Gateway, asked: Ask,
                                                      admin: User, ana: User) -> None:  # fmt: skip
    access.restrict(admin, "large", [Role.MANAGER], ["Trading"])
    for ask in (lambda: asked(ana, "large"), lambda: asked(ana, "large:legal"), lambda: gateway.pieces(ana, "large", [1]),
                lambda: gateway.prompt_tokens(ana, replace(ASKED, model="large"))):  # fmt: skip
        with pytest.raises(NotAllowed, match="large"):
            ask()
    assert (names(gateway, ana), names(gateway, admin)) == (["fake"], ["fake", "large"])
    assert asked(replace(ana, role=Role.MANAGER), "large").model == "large"
    assert asked(replace(ana, group="Trading"), "large").model == "large"
    access.restrict(admin, "large", [], [])
    assert asked(ana, "large").model == "large"


def test_a_restricted_model_of_vectors_is_refused(access: ModelAccess, gateway: Gateway, router: FakeRouter,
                                                  admin: User, ana: User) -> None:  # fmt: skip
    router.available = [model("fake", default=True), model("secret", ModelKind.EMBEDDING), model("open", ModelKind.EMBEDDING)]
    access.restrict(admin, "secret", [Role.MANAGER], [])
    with pytest.raises(NotAllowed):
        gateway.embed(ana, EmbeddingRequest(("x",), ana.id, model="secret"))
    gateway.embed(ana, EmbeddingRequest(("x",), ana.id))
    assert router.vector_requests[-1].model == "open"


def test_a_preset_does_not_open_its_model(access: ModelAccess, presets: Presets, gateway: Gateway, asked: Ask,
                                          admin: User, ana: User) -> None:  # fmt: skip
    presets.save(admin, replace(LEGAL, model="large"))
    access.restrict(admin, "large", [Role.MANAGER], [])
    with pytest.raises(NotAllowed):
        asked(ana, "legal")
    assert "legal" not in names(gateway, ana)
    access.restrict(admin, "large", [], [])
    access.restrict(admin, "legal", [], ["Trading"])
    with pytest.raises(NotAllowed):
        asked(ana, "legal")


def test_the_default_passes_over_a_model_that_a_person_may_not_use(access: ModelAccess, gateway: Gateway,
                                                                   asked: Ask, admin: User, ana: User) -> None:  # fmt: skip
    access.restrict(admin, "fake", [Role.MANAGER], [])
    assert asked(ana, None).model == "large"
    access.restrict(admin, "large", [Role.MANAGER], [])
    with pytest.raises(NotAllowed, match="none of the loaded models"):
        asked(ana, None)
    assert names(gateway, ana) == []


def test_a_group_has_its_default_model(access: ModelAccess, presets: Presets, gateway: Gateway, asked: Ask,
                                       admin: User, ana: User) -> None:  # fmt: skip
    access.set_group_model(admin, ana.group, "large")
    assert asked(ana, None).model == "large" and asked(admin, None).model is None
    assert [(each.name, each.default) for each in gateway.chat_models(ana)] == [("large", True), ("fake", False)]
    presets.save(admin, LEGAL)
    access.set_group_model(admin, ana.group, "legal")
    assert asked(ana, None).messages[0].content == "You know contracts."
    access.set_group_model(admin, ana.group, "unloaded")
    assert asked(ana, None).model == "fake"
    access.set_group_model(admin, ana.group, None)
    assert asked(ana, None).model is None and access.group_models(admin) == {}


def test_only_those_who_run_the_models_change_offers(presets: Presets, access: ModelAccess, ana: User) -> None:
    for act in (lambda: presets.save(ana, LEGAL), lambda: presets.list(ana), lambda: presets.remove(ana, "legal"),
                lambda: access.restrict(ana, "fake", [], []), lambda: access.rules(ana),
                lambda: access.set_group_model(ana, "Risk", "fake")):  # fmt: skip
        with pytest.raises(NotAllowed):
            act()


def test_a_new_preset_does_not_replace_another(presets: Presets, admin: User) -> None:
    first = presets.save(admin, LEGAL, new=True)
    with pytest.raises(Conflict):
        presets.save(admin, LEGAL, new=True)
    changed = presets.save(admin, replace(LEGAL, title="Lawyer"))
    assert (changed.created_at, changed.title, len(presets.list(admin))) == (first.created_at, "Lawyer", 1)
    presets.remove(admin, "legal")
    with pytest.raises(NotFound):
        presets.remove(admin, "legal")


@pytest.mark.parametrize("wrong", [{"name": "two words"}, {"name": ""}, {"name": "fake"}, {"model": " "}, {"system_prompt": "x" * 40_000}])
def test_an_unusable_preset_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        replace(LEGAL, **wrong)  # type: ignore[arg-type]


def test_changes_of_offers_are_audited(presets: Presets, access: ModelAccess, unit_of_work: UnitOfWorkFactory, admin: User) -> None:
    presets.save(admin, LEGAL)
    presets.publish(admin, "legal", published=False)
    presets.remove(admin, "legal")
    access.restrict(admin, "large", [Role.MANAGER], ["Risk"])
    access.set_group_model(admin, "Risk", "large")
    with unit_of_work() as work:
        entries = work.audit.find(AuditFilter(), 20)
    noted = [(entry.event.action, entry.event.subject) for entry in entries if not entry.event.action.startswith("user")]
    assert sorted(noted) == [
        ("model.group_default", "large"), ("model.restrict", "large"), ("preset.publish", "legal"), ("preset.remove", "legal"),
        ("preset.save", "legal"), ("preset.withdraw", "legal"),
    ]  # fmt: skip
