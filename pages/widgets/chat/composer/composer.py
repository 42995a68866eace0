"""The composer at the bottom of the chat: the question, its files, model and thinking, and Stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chat.pending_deletions import Pending
from core.chat.turns import TurnOptions
from core.inference.records import ServedModel
from core.knowledge.encodings import UTF_8
from core.knowledge.records import StoredFile
from core.prompts.records import ListedPrompt
from pages.shell.words import t
from pages.widgets.chat.composer.undo_bar import undo_bar
from pages.widgets.chat.follow import follow
from pages.widgets.chat.linked_message import LinkTarget
from pages.widgets.chat.message import plain
from pages.widgets.context.prompt_menu import prompt_menu
from pages.widgets.documents.chosen import chosen
from pages.widgets.tables.table_lines import held_table

PROMPT = "prompt"
UPLOAD_FACTOR = 4
"""Files up to this multiple of the limit are accepted by the browser, so that the portal can explain why they are too large."""
_MODEL = "chosen_model"
_THINKING = "wants_thinking"


def gone_model(models: Sequence[ServedModel], answered_by: str) -> str:
    """Return a sentence if the model that answered last can no longer be asked; "" if it can."""
    if not models or not answered_by or any(answered_by in each.names for each in models):
        return ""
    name, chosen = _chosen(models)
    gone = plain(answered_by)
    if chosen.guide:
        words = "The last answer came from {model}, which is no longer loaded. The built-in guide answers now; it only knows this portal."
        return t(words, model=gone)
    return t("The last answer came from {model}, which is no longer loaded. {other} answers now.", model=gone, other=plain(name))


def options(models: Sequence[ServedModel], *, instructions: bool = True) -> TurnOptions:
    """Return the chosen options. Without a choice, or if the chosen model is gone, the portal routes the question."""
    wanted = st.session_state.get(_MODEL)
    model = wanted if any(wanted in each.names for each in models) else None
    return TurnOptions(
        model=model, thinking=bool(st.session_state.get(_THINKING, True)), instructions=instructions, collections=chosen()
    )  # fmt: skip


def always_read(models: Sequence[ServedModel]) -> tuple[str, ...]:
    """Return the ids of the collections that the chosen preset reads for each question."""
    return () if not models or asks_guide(models) else _chosen(models)[1].collections


def asks_guide(models: Sequence[ServedModel]) -> bool:
    """Tell whether the built-in guide would answer the next question."""
    return bool(models) and _chosen(models)[1].guide


def composer(
    models: Sequence[ServedModel],
    *,
    conversation: str,
    answer: str,
    problem: str,
    held: Sequence[StoredFile],
    max_file_mb: int,
    on_ask: Callable[[], None],
    on_drop: Callable[[str], None],
    on_stop: Callable[[], None],
    on_dismiss: Callable[[], None],
    deleted: Sequence[Pending] = (),
    link_target: LinkTarget | None = None,
    note: str = "",
    prompts: Sequence[ListedPrompt] = (),
    meter: Callable[[], None] | None = None,
    more_choices: Callable[[], None] = lambda: None,
    asked: int = 1,
) -> DeltaGenerator:
    """Draw the composer; return the container for the figures of the running answer.

    answer: the id of the answer that is being written, else "".
    on_ask: called when `st.session_state[PROMPT]` holds a question, as `text` and `files`. problem: why the last question was refused;
    on_dismiss: called to hide it. deleted: chats whose deletion can be undone.
    held: files for the next question; on_drop: called with the id of a file to remove from them.
    arrival: the message at which the transcript opens. note: a notice above the input. prompts: prompts that "/" offers.
    meter: draws the context meter. more_choices: draws further choices beside the model. asked: how many models answer the question.
    """
    with st.bottom:
        undo_bar(deleted)
        if problem:
            with st.container(key="problem", horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall"):
                st.markdown(f":red[:material/error: {plain(problem)}]", width="stretch")
                st.button(t("Dismiss"), icon=":material/close:", key="icon-problem", type="tertiary", on_click=on_dismiss)
        if note:
            with st.container(key="composernote"):
                st.caption(f":material/info: {note}")
        with st.container(key="composer", gap="xxsmall"):
            follow(conversation, answer, link_target)
            placeholder = t("Ask {n} models", n=asked) if asked > 1 else t("Ask anything") if models else t("No model is ready yet")
            _held(held, on_drop)
            prompt_menu(prompts)
            st.chat_input(
                placeholder, key=PROMPT, on_submit=on_ask, disabled=not models,
                accept_file="multiple", max_upload_size=UPLOAD_FACTOR * max_file_mb,
            )  # fmt: skip
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="composerbar"):
                if models:
                    _choices(models, on_dismiss, one=asked == 1)
                    more_choices()
                # A container even without a meter: Streamlit replaces elements by their number, so that Stop would jump to the left.
                with st.container(key="meterslot", width="content"):
                    if meter:
                        meter()
                st.space("stretch")
                with st.container(key="runslot", horizontal=True, vertical_alignment="center", gap="small", width="content"):
                    figures = st.empty()
                    if answer:
                        st.button(t("Stop"), icon=":material/stop_circle:", key="stop", shortcut="Esc", on_click=on_stop)
                    else:
                        with st.container(key="hint", width="content"):
                            st.caption(t("Enter to send, Shift+Enter for a new line"), width="content")
    return figures


def _held(files: Sequence[StoredFile], on_drop: Callable[[str], None]) -> None:
    if files:
        with st.container(horizontal=True, gap="xsmall", key="held"):
            for file in files:
                st.button(
                    plain(_shown(file)), icon=":material/close:", key=f"held-{file.id}", help=t("Remove this file"),
                    on_click=on_drop, args=(file.id,),
                )  # fmt: skip
                held_table(file)


def _shown(file: StoredFile) -> str:
    """Return the file's name, with its encoding if that was guessed."""
    return file.name if file.encoding in ("", UTF_8) else f"{file.name} · {file.encoding}"


def _choices(models: Sequence[ServedModel], on_choice: Callable[[], None], *, one: bool) -> None:
    """Draw the choice of the model, and of thinking. one: whether one model answers; several are chosen side by side."""
    name, chosen = _chosen(models)
    with st.container(key="modelslot", width="content"):  # always: what follows it would be drawn anew, and an open menu would close
        if one:
            _model_choice(models, name, on_choice)
    if chosen.thinking:
        st.session_state[_THINKING] = st.toggle(t("Thinking"), value=st.session_state.get(_THINKING, True), key="thinking")


def _model_choice(models: Sequence[ServedModel], name: str, on_choice: Callable[[], None]) -> None:
    titles = {name: model_title(each, name) for each in models for name in each.names}
    listed = {
        name: f"{titles[name]} · {t('sees images')}" if each.vision else titles[name] for each in models for name in each.names
    }
    picked = st.menu_button(
        plain(titles[name]), list(titles), format_func=lambda each: plain(listed[each]), type="tertiary", key="modelpick", help=t("Model")
    )
    if picked and picked != name:
        st.session_state[_MODEL] = picked
        on_choice()
        st.rerun()


def model_title(model: ServedModel, name: str) -> str:
    """Return the displayed title of a model, of one of its adapters, or of a preset."""
    if model.preset_of:
        return model.title or name
    return t("Built-in guide, only knows this portal") if model.guide and name == model.name else name


def _chosen(models: Sequence[ServedModel]) -> tuple[str, ServedModel]:
    """Return the chosen name, which may be that of an adapter, and its model."""
    wanted = st.session_state.get(_MODEL)
    return next(((name, each) for each in models for name in each.names if name == wanted), (models[0].name, models[0]))
