"""The figures of an answer: model, tokens, speed, waits, platform and cost."""

from __future__ import annotations

from core.chat.records import Message
from core.inference.records import Generation, Routing
from pages.shell.words import error_text, listed, t
from pages.widgets.common.formats import milliseconds, seconds


def figures_of(message: Message) -> tuple[str, ...]:
    """Return model, tokens, speed and time to first token, without values that were not measured."""
    row = message.generation
    if row is None:
        return ()
    meta = [row.model]
    if row.cached_at is not None:
        meta.append(t("from the cache"))
    if row.usage.completion_tokens:
        meta.append(t("{n} tokens", n=row.usage.completion_tokens))
    if row.timings.tokens_per_second:
        meta.append(speed(row.timings.tokens_per_second))
    if row.timings.ttft_s is not None:
        meta.append(t("{seconds} s to first token", seconds=short_seconds(row.timings.ttft_s)))
    return tuple(meta)


def details_of(row: Generation | None) -> tuple[tuple[str, str], ...]:
    """Return names and values of the figures that the line leaves out, without values that were not measured."""
    if row is None:
        return ()
    usage, timings = row.usage, row.timings
    half, most = milliseconds(timings.inter_token_p50_s), milliseconds(timings.inter_token_p95_s)
    between = t("{half}, p95 {most}", half=half, most=most)
    drafted = t("{right} of {n} accepted", right=timings.accepted_tokens, n=timings.draft_tokens)
    rows = (
        (t("From the cache"), t("written on {when}", when=f"{row.cached_at:%Y-%m-%d %H:%M} UTC") if row.cached_at else "", row.cached_at),
        *_routed(row.routing),
        (t("Platform"), row.platform, row.routing is None and (usage.completion_tokens or row.cached_at)),
        (t("Version"), row.model_version, (usage.completion_tokens or row.cached_at) and row.model_version),
        (t("Queue wait"), seconds(timings.queue_s), timings.ttft_s is not None),
        (t("Prompt"), t("{n} tokens", n=usage.prompt_tokens), usage.prompt_tokens),
        (t("From cache"), t("{n} tokens", n=usage.cached_tokens), usage.cached_tokens),
        (t("Prompt processing"), seconds(timings.prefill_s), timings.prefill_s is not None),
        (t("Inter-token latency"), between, timings.inter_token_p95_s is not None),
        (t("Draft tokens"), drafted, timings.draft_tokens),
        (t("Answer time"), seconds(timings.duration_s), timings.duration_s),
        (t("Retried with safer sampling"), t("once"), timings.retries),
    )
    return tuple((name, value) for name, value, known in rows if known)


def _routed(routing: Routing | None) -> tuple[tuple[str, str, object], ...]:
    """Return rows about the platform that answered, the reasons against earlier platforms, dropped settings, and the cost."""
    if routing is None:
        return ()
    return (
        (t("Answered by"), routing.target, True),
        (t("Why"), " ".join(error_text(each) for each in routing.left_out), routing.left_out),
        (t("Left out"), listed(routing.dropped), routing.dropped),
        (t("Token counts"), t("Estimated"), routing.estimated),
        (t("Cost"), f"{routing.cost or 0:.4g} {routing.currency}", routing.cost is not None),
    )


# Formats of figures


def speed(tokens_per_second: float) -> str:
    return t("{speed} tok/s", speed=f"{tokens_per_second:,.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}")


def short_seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 9.95 else f"{seconds:.1f}" if seconds >= 0.095 or not seconds else f"{seconds:.2f}"
