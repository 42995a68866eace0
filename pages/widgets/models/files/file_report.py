"""The page of a model file: its header, capabilities, chat template and problems."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.models.catalogue import Capability
from core.models.report_records import FileFindings, FileReport, Sample
from core.people.records import User
from core.tasks.records import Job
from pages.shell import frame
from pages.shell.words import error_text, language, listed, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card, facts_list
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import count, parameters, share, size
from pages.widgets.get_model.catalogue_card import CAPABILITIES, CHECKED
from pages.widgets.get_model.transfers import transfers
from pages.widgets.models.files.file_address import FILE
from pages.widgets.models.files.quantize import can_quantize, made_line, quantize_dialog

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_SAMPLES = {Sample.THINKING: "Thinking on", Sample.NO_THINKING: "Thinking off", Sample.TOOLS: "With a tool"}
ROW_PX, MAX_ROWS = 34, 14


def report_page(portal: Portal, user: User, path: Path) -> None:
    """Draw the page of the file at this path."""
    if st.button(t("Models"), icon=":material/arrow_back:", type="tertiary", key="report-back"):
        st.query_params.pop(FILE, None)
        st.rerun()
    try:
        report = portal.file_reports.of(user, path)
    except PortalError as problem:
        frame.blank(t("This file cannot be used"), plain(error_text(problem)), key="blank-report")
        return
    found = report.found
    with frame.page_head(plain(found.file.path.name), plain(found.title), key="report"):
        if can_quantize(found) and st.button(t("Quantize"), icon=":material/compress:", key="report-quantize"):
            quantize_dialog(portal, user, found.file)
    transfers(portal, user)
    _warnings(report)
    _facts(found, portal.quantizing.made(user, found.file.path))
    left, right = st.columns(2, gap="medium")
    with left:
        _tensors(found)
        _table("tokenizer", t("Tokenizer"), found.tokenizer)
    with right:
        _catalogue(report)
        _template(portal, user, found)
    _table("header", t("Header"), found.metadata)


def _warnings(report: FileReport) -> None:
    with card("report-warnings", t("Judgement"), t("Found in the file, each with its cure")):
        for warning, cure in report.found.warnings:
            st.markdown(f":red[:material/error: {plain(error_text(warning))}]  \n{plain(error_text(cure))}")
        for difference in report.differences:
            st.markdown(f":orange[:material/warning: {plain(error_text(difference))}]")
        if not report.found.warnings and not report.differences:
            st.markdown(f":green[:material/check_circle: {t('No known fault was found.')}]")


def _facts(found: FileFindings, made: Job | None) -> None:
    file = found.file
    with st.container(border=True, key="card-report-facts"):
        facts_list(
            (
                (t("Architecture"), file.architecture),
                (t("Parameters"), parameters(file.parameters)),
                (t("Quantization"), file.quantization),
                (t("Size"), size(file.size_bytes)),
                (t("Files"), count(found.parts)),
                (t("Layers"), count(file.layers)),
                (t("Context"), count(file.context)),
                (t("Abilities"), _abilities(found.capabilities)),
            )
        )
        st.html(f"<p class='file'><code>{escape(str(file.path))}</code></p>")
        if made is not None:
            made_line(made)


def _abilities(capabilities: frozenset[Capability]) -> str:
    return listed(t(word) for capability, word in CAPABILITIES.items() if capability in capabilities) or t("Text")


def _tensors(found: FileFindings) -> None:
    whole = sum(each.size_bytes for each in found.tensors) or 1
    with card("report-tensors", t("Tensors by type"), t("{n} tensors", n=sum(each.tensors for each in found.tensors))):
        bar = "".join(
            f"<i class='s{1 + index % 6}' style='width:{each.size_bytes / whole * 100:.3f}%'></i>"
            for index, each in enumerate(found.tensors)
        )
        legend = "".join(
            f"<span><b class='s{1 + index % 6}'></b>{escape(each.type)} <em>{size(each.size_bytes)}, {share(each.size_bytes / whole)}, "
            f"{count(each.tensors)}</em></span>"
            for index, each in enumerate(found.tensors)
        )
        st.html(f"<div class='membar'><div>{bar}</div><p>{legend}</p></div>")


def _catalogue(report: FileReport) -> None:
    entry = report.entry
    with card("report-catalogue", t("Catalogue"), entry.title if entry else t("Not a model of the catalogue")):
        if entry is None:
            st.caption(t("Nothing is known about this model beyond its file."))
            return
        known = listed(t(word) for capability, word in CAPABILITIES.items() if capability in entry.capabilities) or t("Text")
        facts_list(((t("Abilities"), known), (t("Context"), count(entry.context)), (t("Licence"), entry.licence)))
        for sentence in entry.trouble.get(language(), ()):
            st.markdown(f":small[:orange[:material/info: {sentence}]]")
        st.caption(t(CHECKED[entry.checked]))


def _template(portal: Portal, user: User, found: FileFindings) -> None:
    with card("report-template", t("Chat template"), t("A sample chat as the model reads it")):
        if found.template is None:
            st.markdown(t("The file has none."))
            return
        sample = st.segmented_control(
            t("Sample"), list(_SAMPLES), default=Sample.THINKING, required=True, format_func=lambda each: t(_SAMPLES[each]),
            key="report-sample", label_visibility="collapsed",
        )  # fmt: skip
        try:
            st.code(portal.file_reports.preview(user, found.file.path, sample or Sample.THINKING), language=None, wrap_lines=True)
        except PortalError as problem:
            st.markdown(f":red[{plain(error_text(problem))}]")
        with st.expander(t("Template source, {n} characters", n=len(found.template))):
            st.code(found.template, language="jinja2", wrap_lines=True, height=360)


def _table(key: str, title: str, values: Mapping[str, str]) -> None:
    with card(f"report-{key}", title, t("{n} keys", n=len(values))):
        frame_ = data_frame({"key": list(values), "value": list(values.values())})
        st.dataframe(
            frame_, hide_index=True, row_height=ROW_PX, height=min(MAX_ROWS, len(values) + 1) * ROW_PX + 2, key=f"table-report-{key}",
            column_config={"key": st.column_config.TextColumn(t("Key"), width="medium"), "value": st.column_config.TextColumn(t("Value"))},
        )  # fmt: skip
