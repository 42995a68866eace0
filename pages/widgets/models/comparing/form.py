"""Choose two files, and the questions for their comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.comparing.questions import BUILT_IN
from core.comparing.records import QuestionSet
from core.errors import PortalError
from core.models.records import ModelFile, ModelKind
from core.people.records import User
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import size
from pages.widgets.models.comparing.report import COMPARISON

if TYPE_CHECKING:
    from bootstrap.portal import Portal


def comparison_dialog(portal: Portal, user: User) -> None:
    """Open the dialog that starts a comparison."""

    @dialog(t("New comparison"), width="medium")
    def ask() -> None:
        files = [file for file in portal.models.files(user) if file.error is None and file.kind is ModelKind.CHAT]
        if len(files) < 2:
            st.markdown(t("A comparison needs two files of one model in the models folder. Quantize one, or download another."))
            return
        by_path = {str(file.path): file for file in files}
        # The largest file is the most precise one, so it is the natural reference.
        largest = sorted(by_path, key=lambda path: -by_path[path].size_bytes)
        reference = st.selectbox(
            t("Reference"), largest, format_func=lambda path: _line(by_path[path]), key="compare-reference",
            help=t("The more precise file: the original, or a larger quantization."),
        )  # fmt: skip
        others = sorted((path for path in largest if path != reference), key=lambda path: not _alike(by_path[path], by_path[reference]))
        candidate = st.selectbox(
            t("Candidate"), others, format_func=lambda path: _line(by_path[path]), key="compare-candidate", help=t("The file to judge.")
        )
        replays = portal.swaps.replays(user)
        words = {
            QuestionSet.BUILT_IN: t("Built-in questions ({n})", n=len(BUILT_IN)),
            QuestionSet.REPLAY: t("Replay questions ({n})", n=len(replays)),
        }
        offered = list(words) if replays else [QuestionSet.BUILT_IN]
        sets = st.pills(
            t("Questions"), offered, selection_mode="multi", default=offered, format_func=words.__getitem__, key="compare-sets"
        )
        st.caption(t("Both files are loaded beside the models that serve. A crash or a cancel does not touch those."))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button(t("Cancel"), key="compare-no"):
                st.rerun()
            if st.button(t("Compare"), type="primary", key="compare-yes", disabled=not sets):
                try:
                    started = portal.comparisons.start(user, Path(reference), Path(candidate), sets)
                except PortalError as problem:
                    st.error(plain(error_text(problem)), icon=":material/error:")
                else:
                    st.query_params[COMPARISON] = started.id
                    st.rerun()

    ask()


def _alike(one: ModelFile, other: ModelFile) -> bool:
    return (one.architecture, one.parameters, one.layers) == (other.architecture, other.parameters, other.layers)


def _line(file: ModelFile) -> str:
    return f"{file.path.name} · {file.quantization} · {size(file.size_bytes)}"
