"""Find what a request may use: its preset applied, the default of its group, and no model that its person may not use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.errors import NotAllowed
from core.inference.offers import PRESET_PARAMS, AccessRule, Preset
from core.inference.records import ServedModel
from core.inference.requests import ChatMessage, ChatRole, GenerationRequest, SamplingParams
from core.models.records import ModelKind
from core.people.permissions import Permission, allows
from core.people.records import User
from core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Choice:
    """What one person may use, as the database says at this moment."""

    user: User
    rules: Mapping[str, AccessRule] = field(default_factory=dict)
    default: str | None = None
    """The default model or preset of the person's group."""

    @classmethod
    def read(cls, work: UnitOfWork, user: User) -> Choice:
        return cls(user, {rule.model: rule for rule in work.offers.rules()}, work.offers.group_models().get(user.group))

    @property
    def runs_models(self) -> bool:
        return allows(self.user, Permission.RUN_MODELS)

    @property
    def denied_models(self) -> frozenset[str]:
        """Return the models and presets that the person may not use."""
        return frozenset(name for name in self.rules if not self.may_use(name))

    def may_use(self, name: str) -> bool:
        """Tell whether the person may use a model or preset; an adapter or a platform's model (glm@gateway) follows its model's rule,
        or its own.
        """
        base = name.rpartition("@")[0] or name
        rule = self.rules.get(name) or self.rules.get(base) or self.rules.get(base.partition(":")[0])
        return rule is None or self.runs_models or rule.admits(self.user.role, (self.user.group,))

    def check(self, name: str) -> None:
        """Refuse a model that the person may not use. Raises NotAllowed."""
        if not self.may_use(name):
            raise NotAllowed("You may not use the model {model}. Choose another one, or ask an admin for access.", model=name[:200])

    def listed(self, served: Sequence[ServedModel], presets: Sequence[Preset]) -> list[ServedModel]:
        """Return the models and presets that the person may use; the default for chats comes first and is marked."""
        named = {preset.name for preset in presets}
        mine = [model for model in served if self.may_use(model.name)]
        offered = [one for preset in presets if (one := self._offered(preset, mine)) is not None]
        found = [*(model for model in mine if model.name not in named), *offered]
        chats = [model for model in found if model.kind is ModelKind.CHAT]
        default = next((model for model in chats if model.name == self.default), None) or next(iter(chats), None)
        return sorted((replace(model, default=model is default) for model in found), key=lambda model: not model.default)

    def _offered(self, preset: Preset, mine: Sequence[ServedModel]) -> ServedModel | None:
        """Describe a preset as a model that can be asked; None if it or its model cannot be used now."""
        base = next((model for model in mine if preset.model in model.names), None)
        if base is None or not (preset.published or self.runs_models) or not self.may_use(preset.name):
            return None
        return replace(
            base, name=preset.name, preset_of=preset.model, title=preset.title, adapters=(), default=False,
            thinking=base.thinking and preset.thinking is None, collections=preset.collections,
        )  # fmt: skip


def applied(preset: Preset, request: GenerationRequest, *, tools: bool) -> GenerationRequest:
    """Return the request with the preset's values where it sets none itself.

    tools: offer the model the preset's tools, if the request brings none.
    """
    return replace(
        request,
        model=preset.model,
        messages=_instructed(preset.system_prompt, request.messages) if request.prompt is None else request.messages,
        params=_sampled(preset.params, request.params),
        thinking=request.thinking if preset.thinking is None else preset.thinking,
        tools=request.tools or (preset.tools if tools and request.prompt is None else ()),
    )


def _instructed(system_prompt: str, messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
    """Put the preset's system prompt first; a system message of the request follows it in the same message."""
    if not system_prompt:
        return messages
    if messages and messages[0].role == ChatRole.SYSTEM:
        own = replace(messages[0], content=f"{system_prompt}\n\n{messages[0].content}")
        return (own, *messages[1:])
    return (ChatMessage(ChatRole.SYSTEM, system_prompt), *messages)


def _sampled(preset: SamplingParams, asked: SamplingParams) -> SamplingParams:
    missing = {name: getattr(preset, name) for name in PRESET_PARAMS if getattr(asked, name) in (None, ())}
    return replace(asked, **missing)
