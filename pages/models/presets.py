"""Presets (admin): models with a system prompt, sampling, thinking, documents and tools; default models of groups."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import InvalidInput
from core.inference.offers import MAX_COLLECTIONS, MAX_DESCRIPTION_LENGTH, MAX_SYSTEM_PROMPT_LENGTH, MAX_TITLE_LENGTH, AccessRule, Preset
from core.inference.records import ServedModel
from core.inference.requests import SamplingParams, Tool
from core.models.records import ModelKind
from core.people.records import User
from core.prompts.records import Share
from pages.shell import frame
from pages.shell.live_part import dialog
from pages.shell.words import listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.outcome import carry_out, show_outcome
from pages.widgets.models.access import access_dialog, access_line
from pages.widgets.models.group_models import group_models

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_CHOSEN, _NEW, _DONE = "presets_chosen", "+", "presets_done"
_THINKING = {None: "As each person chooses", True: "Always on", False: "Always off"}
_SAMPLING = (
    ("temperature", "Temperature", 0.0, 5.0),
    ("top_p", "Top p", 0.0, 1.0),
    ("min_p", "Min p", 0.0, 1.0),
    ("repeat_penalty", "Repeat penalty", 0.1, 10.0),
)


def render(portal: Portal, user: User) -> None:
    presets = portal.presets.list(user)
    rules = portal.model_access.rules(user)
    models = [model for model in portal.gateway.served() if model.kind is ModelKind.CHAT]
    about = t("A preset is a model with instructions and settings. People choose it in the chat; programs name it as their model.")
    with frame.page_head(t("Presets"), about, key="presets"):
        st.button(t("New preset"), icon=":material/add:", key="presets-new", on_click=_choose, args=(_NEW,))
    chosen = st.session_state.get(_CHOSEN)
    found = next((preset for preset in presets if preset.name == chosen), None)
    frame.one_pane(".st-key-presets-list" if found or chosen == _NEW else "", ".st-key-presets-back")
    left, right = st.columns([2, 3], gap="large")
    with left:
        _list(presets, rules)
        group_models(portal, user, [*(name for model in models for name in model.names), *(preset.name for preset in presets)])
    with right:
        st.button(t("All presets"), icon=":material/arrow_back:", type="tertiary", key="presets-back", on_click=_choose, args=(None,))
        show_outcome(_DONE)
        if chosen == _NEW or found is not None:
            _editor(portal, user, found, models)
        elif presets:
            st.caption(t("Choose a preset to change it."))
        if found is not None:
            _rest(portal, user, found, rules.get(found.name))


def _choose(name: str | None) -> None:
    st.session_state[_CHOSEN] = name
    st.session_state.pop(_DONE, None)


def _row(name: str) -> str:
    """Return a row id for a name, which may contain characters that CSS does not allow."""
    return sha256(name.encode()).hexdigest()[:10]


def _list(presets: Sequence[Preset], rules: Mapping[str, AccessRule]) -> None:
    with st.container(key="presets-list", gap=None):
        for preset in presets:
            state = "" if preset.published else f" · :orange[{t('Draft')}]"
            if preset.name in rules:
                state += f" · :material/lock: {t('Restricted')}"
            label = f"{plain(preset.title or preset.name)}  \n:small[:gray[{plain(preset.name)} · {plain(preset.model)}]{state}]"
            key = f"rrow-{_row(preset.name)}"
            st.button(label, key=key, type="tertiary", width="stretch", wrap=True, on_click=_choose, args=(preset.name,))
    chosen = st.session_state.get(_CHOSEN)
    frame.selected("rrow", _row(chosen or ""), {_row(preset.name) for preset in presets})
    if not presets:
        st.caption(t("No presets yet. A preset gives people a ready-made assistant, for example one that answers from your house style."))


def _editor(portal: Portal, user: User, preset: Preset | None, models: Sequence[ServedModel]) -> None:
    names = list(dict.fromkeys([*(name for model in models for name in model.names), *([preset.model] if preset else [])]))
    key = preset.name if preset else _NEW
    with st.container(border=True, key="card-preset"):
        st.markdown(f"### {plain(preset.title or preset.name) if preset else t('New preset')}", anchors=False)
        if not names:
            st.caption(t("Load a model first: a preset needs one."))
            return
        with st.form(f"preset-{key}", border=False):
            name = preset.name if preset else st.text_input(
                t("Name"), max_chars=80, help=t("What programs send as the model: letters, digits, dots and hyphens."), key="preset-name"
            )
            shown = preset.title if preset else ""
            title = st.text_input(t("Title in the chat"), value=shown, max_chars=MAX_TITLE_LENGTH, key=f"title-{key}")
            model = st.selectbox(t("Model"), names, index=names.index(preset.model) if preset else 0, key=f"model-{key}")
            system_prompt = st.text_area(
                t("System prompt"), value=preset.system_prompt if preset else "", max_chars=MAX_SYSTEM_PROMPT_LENGTH, height=180,
                key=f"system-{key}",
            )  # fmt: skip
            thinking = st.selectbox(
                t("Thinking"), list(_THINKING), index=list(_THINKING).index(preset.thinking if preset else None),
                format_func=lambda each: t(_THINKING[each]), key=f"think-{key}",
            )  # fmt: skip
            collections = _collections(portal, user, preset, key)
            with st.expander(t("Sampling, tools and description")):
                st.caption(t("What is left empty takes the model's recommended value."))
                given = _sampling(preset.params if preset else SamplingParams(), key)
                tools = st.text_area(
                    t("Tools as JSON"), value=_written(preset.tools) if preset else "", key=f"tools-{key}",
                    help=t("A list of functions as in OpenAI's API, for programs. The chat runs no tools."),
                )  # fmt: skip
                description = st.text_input(
                    t("Description"), value=preset.description if preset else "", max_chars=MAX_DESCRIPTION_LENGTH, key=f"about-{key}"
                )
            saved = st.form_submit_button(t("Save") if preset else t("Save as a draft"), type="primary")
    if saved:

        def save() -> str:
            now = datetime.now(UTC)
            written = Preset(
                name=name.strip(), model=str(model), title=title.strip(), description=description.strip(),
                system_prompt=system_prompt.strip(), params=given(), thinking=thinking, tools=_read(tools), collections=collections,
                published=preset is not None and preset.published, created_at=now, updated_at=now,
            )  # fmt: skip
            portal.presets.save(user, written, new=preset is None)
            st.session_state[_CHOSEN] = written.name
            return t("Saved. It holds from the next question on.") if preset else t("Saved as a draft. Publish it when it is ready.")

        carry_out(save, _DONE)


def _collections(portal: Portal, user: User, preset: Preset | None, key: str) -> tuple[str, ...]:
    """Draw the choice of collections; return the chosen ids. Those that this admin may not read stay as they are."""
    names = {each.id: each.name for each in portal.collections.choices(user)}
    before = preset.collections if preset else ()
    if not names:
        return before
    chosen = st.multiselect(
        t("Documents"), list(names), default=[id for id in before if id in names], format_func=names.__getitem__,
        max_selections=MAX_COLLECTIONS, key=f"documents-{key}", placeholder=t("Choose collections"),
        help=t(
            "Each question in a chat searches these collections, and the answer cites them. People read only what is shared with them."
        ),
    )  # fmt: skip
    return (*chosen, *(id for id in before if id not in names))


def _sampling(params: SamplingParams, key: str) -> Callable[[], SamplingParams]:
    """Draw the sampling fields; return a function that reads them. That function raises InvalidInput."""
    values: dict[str, float | int | None] = {}
    columns = st.columns(2)
    for number, (field, label, least, most) in enumerate(_SAMPLING):
        with columns[number % 2]:
            values[field] = st.number_input(
                t(label), min_value=least, max_value=most, value=getattr(params, field), step=0.05, placeholder=t("Recommended"),
                key=f"{field}-{key}",
            )  # fmt: skip
    with columns[0]:
        values["top_k"] = st.number_input(
            t("Top k"), min_value=0, max_value=1_000_000, value=params.top_k, step=1, placeholder=t("Recommended"), key=f"top_k-{key}"
        )
    with columns[1]:
        values["max_tokens"] = st.number_input(
            t("Longest answer, in tokens"), min_value=1, max_value=10_000_000, value=params.max_tokens, step=1,
            placeholder=t("Recommended"), key=f"max_tokens-{key}",
        )  # fmt: skip
    kept = {
        name: getattr(params, name)
        for name in ("stop", "seed", "typical_p", "presence_penalty", "frequency_penalty", "thinking_budget")
    }
    return lambda: SamplingParams(**values, **kept)  # type: ignore[arg-type]


def _written(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    functions = [
        {"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": json.loads(tool.parameters)}}
        for tool in tools
    ]
    return json.dumps(functions, ensure_ascii=False, indent=1)


def _read(text: str) -> tuple[Tool, ...]:
    """Parse a list of functions. Raises InvalidInput."""
    if not text.strip():
        return ()
    try:
        functions = [each["function"] for each in json.loads(text)]
        return tuple(
            Tool(
                name=str(each["name"]),
                description=str(each.get("description", "")),
                parameters=json.dumps(dict(each.get("parameters", {})), ensure_ascii=False),
            )
            for each in functions
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidInput("The tools are not a JSON list of functions. Write them as in OpenAI's API, or leave the field empty.") from None


def _rest(portal: Portal, user: User, preset: Preset, rule: AccessRule | None) -> None:
    """Draw the actions for a saved preset."""
    with st.container(border=True, key="card-preset-rest", gap="small"):
        if preset.published:
            words = t("Published: people find it in the chat's model picker, and programs ask the model {name}.", name=plain(preset.name))
        else:
            words = t("A draft: only those who run the models can use it.")
        st.markdown(words)
        st.caption(access_line(rule))
        _private(portal, user, preset)
        with st.container(horizontal=True, gap="small"):
            label = t("Withdraw") if preset.published else t("Publish")
            if st.button(label, key="preset-publish", type="secondary" if preset.published else "primary"):
                carry_out(lambda: _published(portal, user, preset), _DONE)
            if st.button(t("Who may use it"), key="preset-access", icon=":material/lock:"):
                access_dialog(portal, user, preset.name)
            if st.button(t("Remove"), key="preset-remove", icon=":material/delete:", type="tertiary"):
                _confirm_removal(portal, user, preset)


def _private(portal: Portal, user: User, preset: Preset) -> None:
    """Name the collections of a preset that not everyone may read."""
    if not preset.collections:
        return
    read = [each.collection for each in portal.collections.list(user) if each.collection.id in preset.collections]
    if private := [plain(each.name) for each in read if each.share is not Share.EVERYONE]:
        words = "Not everyone may read {names}. Share it with everyone on Documents, or limit who may use this preset."
        st.caption(t(words, names=listed(private)))


def _published(portal: Portal, user: User, preset: Preset) -> str:
    portal.presets.publish(user, preset.name, published=not preset.published)
    return t("It is a draft again. Chats that used it go on with the default model.") if preset.published else t("Published.")


def _confirm_removal(portal: Portal, user: User, preset: Preset) -> None:
    @dialog(t("Remove {name}?", name=plain(preset.title or preset.name)))
    def ask() -> None:
        st.markdown(t("People who chose it go on with the default model; programs that name it are refused."))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="danger-preset"):
            if st.button(t("Cancel"), key="preset-remove-no"):
                st.rerun()
            if st.button(t("Remove"), type="primary", key="preset-remove-yes"):
                carry_out(lambda: _removed(portal, user, preset), _DONE)

    ask()


def _removed(portal: Portal, user: User, preset: Preset) -> str:
    portal.presets.remove(user, preset.name)
    st.session_state[_CHOSEN] = None
    return t("{name} was removed.", name=preset.title or preset.name)
