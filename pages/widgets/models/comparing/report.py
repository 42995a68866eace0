"""The report of a comparison: verdict, metrics, disagreements, votes, and the questions whose answers differ most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import plotly.graph_objects as go
import streamlit as st

from core.comparing.metrics import ComparisonSummary, preference_interval, summarize, verdict
from core.comparing.records import ComparedFile, Comparison, VoteChoice, VoteCounts
from core.errors import PortalError
from core.models.records import LoadedModel, ModelState
from core.people.records import User
from core.tasks.records import JobState
from pages.shell import frame
from pages.shell.live_part import part
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.formats import MISSING, age, count, size, speed
from pages.widgets.models.swaps.swap_form import SWAP
from pages.widgets.usage.charts import palette, show, template

if TYPE_CHECKING:
    from bootstrap.portal import Portal

COMPARISON, VOTE = "comparison", "vote"
"""Query parameters: the open comparison, and whether the user votes on it."""
LIVE_S = 1.0
MAX_DIFFERENT = 8
_BUCKETS = ("< 0.001", "0.001-0.01", "0.01-0.1", "0.1-0.5", "> 0.5")


def title_of(comparison: Comparison) -> str:
    """Return the title of a comparison."""
    return t("{candidate} against {reference}", candidate=comparison.candidate.path.name, reference=comparison.reference.path.name)


def report_page(portal: Portal, user: User, comparison: Comparison) -> None:
    """Draw the report, or the progress of a running comparison."""
    by = t("{n} questions, started by {person}, {age}", n=comparison.questions, person=comparison.started_by_name or MISSING,
           age=age(comparison.created_at))  # fmt: skip
    with frame.page_head(plain(title_of(comparison)), plain(by), key="comparison"):
        if comparison.done:
            _use(portal, user, comparison)
    if comparison.ended_at is None:
        part(_progress, every=LIVE_S)(portal, user, comparison.id)
        return
    if not comparison.done or not comparison.results:
        with st.container(key="fail-comparison", gap=None):
            st.markdown(plain(error_text(comparison.error)) if comparison.error else t("Nothing was compared."))
        return
    sentences = [plain(error_text(each)) for each in verdict(comparison)]
    st.markdown(f"**{sentences[0]}** {' '.join(sentences[1:])}")
    metrics = summarize(comparison.results)
    votes = portal.comparisons.votes(user, comparison.id)
    left, right = st.columns([1, 1.35], gap="medium")
    with left:
        _stats(comparison, metrics)
    with right:
        _disagreement(metrics)
        _votes(comparison, votes)
    _most_different(comparison, votes)


def _progress(portal: Portal, user: User, comparison_id: str) -> None:
    if portal.comparisons.get(user, comparison_id).ended_at is not None:
        st.rerun()
    job = portal.jobs.get(user, comparison_id)
    with st.container(border=True, key="card-comparing", gap="xsmall"):
        waiting = job.state is JobState.WAITING
        st.progress(job.progress, text=t("Waiting for its turn") if waiting else t("Comparing beside the chats"))
        if st.button(t("Cancel"), type="tertiary", key="comparison-cancel", disabled=job.cancel_requested):
            try:
                portal.jobs.cancel(user, comparison_id)
            except PortalError as problem:
                st.toast(plain(error_text(problem)), icon=":material/error:")


def _use(portal: Portal, user: User, comparison: Comparison) -> None:
    """Offer to swap to the other file if one of the two is serving; otherwise offer the candidate for the default model."""
    target = _target(portal.models.loaded(user), comparison)
    if target is None:
        return
    model, file = target
    label = t("Use {file} for {model}", file=plain(file.quantization or file.path.name), model=plain(model))
    if st.button(label, type="primary", key="comparison-use"):
        try:
            started = portal.swaps.start(user, model, file.path)
        except PortalError as problem:
            st.toast(plain(error_text(problem)), icon=":material/error:")
        else:
            frame.open_page("models", **{SWAP: started.id})


def _target(loaded: Sequence[LoadedModel], comparison: Comparison) -> tuple[str, ComparedFile] | None:
    ready = [model for model in loaded if model.state is ModelState.READY and not model.guide]
    for model in ready:
        if model.file.path.absolute() == comparison.reference.path:
            return model.name, comparison.candidate
        if model.file.path.absolute() == comparison.candidate.path:
            return model.name, comparison.reference
    default = next((model for model in ready if model.default), None)
    return (default.name, comparison.candidate) if default else None


def _stats(comparison: Comparison, metrics: ComparisonSummary) -> None:
    reference, candidate = comparison.reference, comparison.candidate
    worse, slower = metrics.perplexity[1] - metrics.perplexity[0], metrics.tokens_per_second
    faster = (slower[1] or 0) - (slower[0] or 0)
    saved, freed = reference.size_bytes - candidate.size_bytes, reference.memory_bytes - candidate.memory_bytes
    rows = (
        (t("Same next token"), f"{100 * metrics.same_top:.1f} %", "100 %", False),
        (t("KL divergence, mean"), f"{metrics.kl_mean:.4f}", "0", False),
        (t("Perplexity"), f"{metrics.perplexity[1]:.2f}", f"{metrics.perplexity[0]:.2f}", worse < 0),
        (t("Speed, one chat"), speed(slower[1]), speed(slower[0]), faster > 0),
        (t("File"), size(candidate.size_bytes), size(reference.size_bytes), saved > 0),
        (t("Memory, one chat"), size(candidate.memory_bytes), size(reference.memory_bytes), freed > 0),
    )
    with card("comparison-figures", t("Figures"), t("Green is better. Measured on this machine, beside whatever else ran.")):
        head = "".join(f"<th>{escape(each)}</th>" for each in ("", _short(candidate), _short(reference)))
        body = "".join(
            f"<tr><td>{escape(name)}</td><td{' class=good' if good else ''}>{escape(new)}</td><td>{escape(old)}</td></tr>"
            for name, new, old, good in rows
        )
        st.html(f"<table class='swapfigures compared'><tr>{head}</tr>{body}</table>")
        st.caption(t("{n} tokens of accepted answers, read by both files.", n=count(metrics.tokens)))


def _short(file: ComparedFile) -> str:
    return file.quantization or file.path.name


def _disagreement(metrics: ComparisonSummary) -> None:
    with card("comparison-kl", t("Where the two disagree"), t("Share of tokens by KL divergence; further right is worse")):
        shares = [100 * share for share in metrics.kl_shares]
        colours = palette(frame.dark())
        bars = go.Bar(
            x=list(_BUCKETS), y=shares, text=[f"{share:.1f} %" for share in shares], textposition="outside", cliponaxis=False,
            marker={"color": colours.series[0]}, hovertemplate="%{y:.1f} %<extra></extra>",
        )  # fmt: skip
        figure = go.Figure(bars)
        figure.update_layout(template=template(frame.dark()), height=180, margin_t=18)
        figure.update_xaxes(type="category")
        figure.update_yaxes(ticksuffix=" %", nticks=4)
        show(figure, "comparison-kl-chart", t("Share of tokens by KL divergence"))


def _votes(comparison: Comparison, by_question: Mapping[int, VoteCounts]) -> None:
    counts = {choice: sum(votes.get(choice, 0) for votes in by_question.values()) for choice in VoteChoice}
    total = sum(counts.values())
    with card("comparison-votes", t("Blind vote"), t("{n} votes; the names are hidden while people vote", n=total)):
        if total:
            new, old = _short(comparison.candidate), _short(comparison.reference)
            parts = (
                ("s1", t("{file} better", file=new), counts[VoteChoice.CANDIDATE]),
                ("s6", t("Alike or both poor"), counts[VoteChoice.ALIKE] + counts[VoteChoice.POOR]),
                ("s2", t("{file} better", file=old), counts[VoteChoice.REFERENCE]),
            )
            bar = "".join(f"<i class='{look}' style='width:{100 * n / total:.2f}%'></i>" for look, _, n in parts if n)
            key = "".join(f"<span><b class='{look}'></b>{escape(name)} <em>{n}</em></span>" for look, name, n in parts)
            st.html(f"<div class='membar'><div>{bar}</div><p>{key}</p></div>")
            st.caption(_preference(counts, new, old))
        if st.button(t("Vote"), icon=":material/how_to_vote:", type="tertiary", key="comparison-vote"):
            st.query_params[VOTE] = "1"
            st.rerun()


def _preference(counts: VoteCounts, new: str, old: str) -> str:
    found = preference_interval(counts)
    if found is None:
        return t("No vote is for one of the two yet.")
    share, low, high = (round(100 * each) for each in found)
    words = t("{file} is preferred in {share} % of the decided votes; the 95 % interval is {low} to {high} %.", file=new, share=share,
              low=low, high=high)  # fmt: skip
    if low > 50:
        return words + " " + t("People prefer {file}.", file=new)
    return words + " " + (t("People prefer {file}.", file=old) if high < 50 else t("Too close to call."))


def _most_different(comparison: Comparison, votes: Mapping[int, VoteCounts]) -> None:
    ordered = sorted(enumerate(comparison.results), key=lambda each: -each[1].kl_mean)[:MAX_DIFFERENT]
    with card("comparison-questions", t("Questions that differ most"), t("By mean KL divergence of the accepted answer")):
        for number, result in ordered:
            agreed = 100 * result.same_top / result.tokens if result.tokens else 100.0
            counts = votes.get(number, {})
            voted = f" · {counts.get(VoteChoice.CANDIDATE, 0)} : {counts.get(VoteChoice.REFERENCE, 0)}" if counts else ""
            line = f"{plain(result.question)} :gray[:small[KL {result.kl_mean:.3f} · {agreed:.0f} %{voted}]]"
            with st.expander(line, type="compact"):
                for column, file, text in zip(
                    st.columns(2, gap="medium"), (comparison.candidate, comparison.reference), result.texts[::-1], strict=True
                ):
                    with column:
                        st.caption(plain(_short(file)))
                        st.html(f"<blockquote class='trial'>{escape(text or '-')}</blockquote>")
