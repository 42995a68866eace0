"""Draw what a build gives: how many examples stay, the split, the tags, and an example."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import streamlit as st

from core.review.datasets.records import Reason, Report
from pages.shell.words import listed, t
from pages.widgets.common.formats import count
from pages.widgets.datasets.words import reason_words

SHOWN_TAGS = 8
SHOWN_CHARACTERS = 1_500
_UNBALANCED = 0.4
"""The share of one tag from which a limit is proposed."""


def funnel(report: Report) -> None:
    """Draw how many examples came in, and how many stay."""
    texts = report.found - sum(report.left_out.get(each, 0) for each in (Reason.NO_CONSENT, Reason.CHAT_DELETED))
    early = {each: number for each, number in report.left_out.items() if each in (Reason.NO_CONSENT, Reason.CHAT_DELETED)}
    late = {each: number for each, number in report.left_out.items() if each not in early}
    rows = [(report.found, t("match")), (texts, _after(early, t("may be used"))), (report.kept, _after(late, t("stay")))]
    items = "".join(f"<li><b>{count(number)}</b><span>{escape(words)}</span></li>" for number, words in rows)
    st.html(f"<ol class='funnel'>{items}</ol>")
    if report.found and not texts:
        st.caption(t("People agree on their Account page. An admin sets the default of a group on the People page."))


def _after(reasons: Mapping[Reason, int], word: str) -> str:
    if not reasons:
        return word
    return t("{what}, without {reasons}", what=word, reasons=listed(reason_words(each, number) for each, number in reasons.items()))


def split_bar(report: Report) -> None:
    """Draw the two parts of a dataset."""
    if not report.kept:
        return
    train, holdout = t("Train {n}", n=count(report.train)), t("Holdout {n}", n=count(report.holdout))
    parts = "".join(f"<i class='{name}' style='flex:{part}'></i>" for name, part in (("a", report.train), ("b", report.holdout)) if part)
    st.html(
        f"<div class='split' role='img' aria-label='{escape(train)}, {escape(holdout)}'>{parts}</div>"
        f"<p class='keys'><span><b class='s1'></b>{escape(train)}</span><span><b class='s2'></b>{escape(holdout)}</span>"
        f"<span>{escape(t('{n} people', n=report.people))}</span></p>"
    )


def balance(report: Report, set_limit: Callable[[int], None] | None = None) -> None:
    """Draw the examples of each tag. set_limit: called with the limit that is proposed, if one tag has too large a share."""
    tags = list(report.by_tag.items())[:SHOWN_TAGS]
    if not tags:
        st.caption(t("None of these examples has a tag."))
        return
    most = tags[0][1]
    rows = "".join(
        f"<dt>{escape(tag)}</dt><dd><i><b style='width:{100 * number / most:.1f}%'></b></i><span>{count(number)}</span></dd>"
        for tag, number in tags
    )
    st.html(f"<dl class='hbars'>{rows}</dl>")
    share = most / max(1, report.kept)
    if set_limit is not None and len(tags) > 1 and share > _UNBALANCED:
        limit = max(1, tags[1][1])
        if limit < most:
            words = t("{tag} is {share} % of all.", tag=tags[0][0], share=f"{100 * share:.0f}")
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="dataset-advice"):
                st.html(f"<p class='file'>{escape(words)}</p>", width="content")
                label = t("Limit each tag to {n}", n=count(limit))
                st.button(label, type="tertiary", key="dataset-limit", on_click=set_limit, args=(limit,))


def example(line: str) -> None:
    """Draw one line as its parts."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(_short(text))}</dd>" for name, text in _parts(json.loads(line)))
    st.html(f"<dl class='exa'>{rows}</dl>")
    with st.expander(t("The line in the file"), type="compact"):
        st.code(_short(line), language="json", wrap_lines=True)


def _parts(line: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in ("prompt", "messages", "completion", "chosen", "rejected"):
        if (messages := line.get(name)) is None:
            continue
        for message in messages if isinstance(messages, list) else [messages]:
            label = name if name in ("completion", "chosen", "rejected") else message["role"]
            calls = [call["function"]["name"] for call in message.get("tool_calls", ())]
            found.append((label, message["content"] or listed(calls)))
    if "label" in line:
        found.append(("label", "true" if line["label"] else "false"))
    return found


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …"
