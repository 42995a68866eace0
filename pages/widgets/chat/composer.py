"""The composer at the foot of the chat: what to ask, which model, thinking or not, and Stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.chat.turns import TurnOptions
from core.knowledge.records import StoredFile
from core.models.records import LoadedModel
from pages.shell.words import t
from pages.widgets.chat.follow import follow
from pages.widgets.chat.linked_message import Arrival
from pages.widgets.chat.message import plain

PROMPT = "prompt"
ENDINGS = [
    "pdf", "docx",
    "txt", "md", "rst", "tex", "log", "csv", "tsv", "json", "jsonl", "xml", "yaml", "yml", "toml", "ini", "cfg", "conf", "env",
    "properties", "html", "htm", "css", "svg", "srt", "vtt", "eml", "ics", "vcf", "diff", "patch", "py", "ipynb", "r", "jl", "js",
    "jsx", "ts", "tsx", "vue", "java", "kt", "scala", "groovy", "c", "h", "cc", "cpp", "hpp", "cs", "go", "rs", "rb", "php", "pl",
    "lua", "swift", "m", "sql", "sh", "bash", "zsh", "bat", "ps1", "vb", "vba", "bas", "do", "sas", "f90", "gradle", "cmake", "tf",
    "proto", "graphql",
]  # fmt: skip
"""What the browser offers to choose. Whether it can be read is decided by what is in it."""
_MODEL = "chosen_model"
_THINKING = "wants_thinking"


def options(models: Sequence[LoadedModel]) -> TurnOptions:
    """What the person chose; a model that is gone falls back to the default one."""
    return TurnOptions(model=_chosen(models)[0] if models else None, thinking=bool(st.session_state.get(_THINKING, True)))


def composer(
    models: Sequence[LoadedModel],
    *,
    conversation: str,
    answer: str,
    problem: str,
    held: Sequence[StoredFile],
    max_file_mb: int,
    on_ask: Callable[[], None],
    on_drop: Callable[[str], None],
    on_stop: Callable[[], None],
    arrival: Arrival | None = None,
) -> DeltaGenerator:
    """Draw it. Returns the place for the figures of the running answer.

    answer: the id of the answer that is being written, else "".
    on_ask: called when `st.session_state[PROMPT]` holds a question, as `text` and `files`. problem: why the last one was not asked.
    held: files that go with the next one. on_drop: asked to leave one of them (its id) out.
    arrival: the message that the transcript is opened at.
    """
    with st.bottom:
        if problem:
            with st.container(key="problem"):
                st.markdown(f":red[:material/error: {plain(problem)}]")
        with st.container(key="composer", gap="xxsmall"):
            follow(conversation, answer, arrival)
            placeholder = t("Ask anything") if models else t("No model is ready yet")
            _held(held, on_drop)
            st.chat_input(
                placeholder, key=PROMPT, on_submit=on_ask, disabled=not models,
                accept_file="multiple", file_type=ENDINGS, max_upload_size=max_file_mb,
            )  # fmt: skip
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="composerbar"):
                if models:
                    _choices(models)
                st.space("stretch")
                with st.container(key="runslot", horizontal=True, vertical_alignment="center", gap="small", width="content"):
                    figures = st.empty()
                    if answer:
                        st.button(t("Stop"), icon=":material/stop_circle:", key="stop", shortcut="Esc", on_click=on_stop)
                    else:
                        with st.container(key="hint", width="content"):
                            st.caption(t("Enter sends, Shift+Enter starts a new line"), width="content")
    return figures


def _held(files: Sequence[StoredFile], on_drop: Callable[[str], None]) -> None:
    if files:
        with st.container(horizontal=True, gap="xsmall", key="held"):
            for file in files:
                st.button(
                    plain(file.name), icon=":material/close:", key=f"held-{file.id}", help=t("Remove this file"),
                    on_click=on_drop, args=(file.id,),
                )  # fmt: skip


def _choices(models: Sequence[LoadedModel]) -> None:
    name, chosen = _chosen(models)
    names = [name for each in models for name in each.names]
    picked = st.menu_button(plain(name), names, format_func=plain, type="tertiary", key="modelpick", help=t("Model"))
    if picked and picked != name:
        st.session_state[_MODEL] = picked
        st.rerun()
    if chosen.file.thinking:
        st.session_state[_THINKING] = st.toggle(t("Thinking"), value=st.session_state.get(_THINKING, True), key="thinking")


def _chosen(models: Sequence[LoadedModel]) -> tuple[str, LoadedModel]:
    """The name, which may be that of an adapter, and its model."""
    wanted = st.session_state.get(_MODEL)
    return next(((name, each) for each in models for name in each.names if name == wanted), (models[0].name, models[0]))
