"""Make a smaller file of a model: the dialog, and the line that says what a file was made from."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.models.quantization import Precision, about_bytes, quantized_name
from core.models.records import ModelFile
from core.models.report_records import FileFindings
from core.people.records import User
from core.tasks.records import Job
from pages.shell.live_part import dialog
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.formats import size

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_ADVICE = {
    Precision.Q8_0: "nearly as good as the original",
    Precision.Q6_K: "hardly worse",
    Precision.Q5_K_M: "slightly worse",
    Precision.Q4_K_M: "the usual choice",
    Precision.IQ4_XS: "the smallest; slower on a CPU",
}
_WHOLE = frozenset({"F32", "F16", "BF16"})


def can_quantize(found: FileFindings) -> bool:
    """Tell whether the file can be quantized: none of its tensors is quantized yet, since quantizing twice loses quality."""
    return {each.type for each in found.tensors} <= _WHOLE


def quantize_dialog(portal: Portal, user: User, file: ModelFile) -> None:
    """Open the dialog that starts a quantization."""

    @dialog(t("Quantize {file}", file=plain(file.path.name)))
    def ask() -> None:
        st.markdown(t("Makes a smaller, faster file of this model. The original stays. Compare the two before people use the new one."))
        chosen = st.radio(
            t("Precision"), list(Precision), index=list(Precision).index(Precision.Q4_K_M), key="quantize-precision",
            format_func=lambda each: f"**{each.value}** · {size(about_bytes(file.parameters, each))} · {t(_ADVICE[each])}",
        )  # fmt: skip
        free = portal.downloads.disk_free(user)
        name = quantized_name(file.path.name, chosen)
        st.caption(t("Creates {file}.", file=plain(name)) + ("" if free is None else " " + t("Disk: {free} free.", free=size(free))))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button(t("Cancel"), key="quantize-no"):
                st.rerun()
            if st.button(t("Quantize"), type="primary", key="quantize-yes"):
                try:
                    portal.quantizing.start(user, file.path, chosen)
                except PortalError as problem:
                    st.error(plain(error_text(problem)), icon=":material/error:")
                else:
                    st.rerun()

    ask()


def made_line(job: Job) -> None:
    """Draw the name and the hash of the file that this one was made from."""
    hashes = job.result.get("sha256")
    source = Path(str(job.result.get("source", ""))).name
    sha256 = next(iter(hashes.values()), "") if isinstance(hashes, Mapping) else ""
    words = t("Quantized from {file}", file=source)
    st.html(f"<p class='file'>{escape(words)} · SHA-256 <code>{escape(str(sha256))}</code></p>")
