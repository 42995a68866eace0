"""Name formats, sources and reasons."""

from __future__ import annotations

from core.review.datasets.records import DatasetSettings, Format, Layout, Reason, Source
from pages.shell.words import listed, t

FORMATS = {Format.SFT: "SFT", Format.DPO: "DPO", Format.KTO: "KTO"}
LAYOUTS = {Layout.TRL: "TRL", Layout.LLAMA_FACTORY: "LLaMA-Factory"}
_MEANINGS = {
    Format.SFT: "Conversations that a model learns to imitate.",
    Format.DPO: "Pairs: the preferred answer, and the rejected one.",
    Format.KTO: "Single answers, each marked good or poor.",
}
_SOURCES = {
    Source.ACCEPTED: "Kept as an example",
    Source.CORRECTED: "Better answer written",
    Source.GOOD: "Good rating",
    Source.POOR: "Poor rating",
    Source.OPPOSITE: "Good and poor answer to one question",
    Source.VOTES: "Preferred side by side",
}
_REASONS = {
    Reason.NO_CONSENT: "{n} of people who did not agree",
    Reason.CHAT_DELETED: "{n} whose chat was deleted",
    Reason.FILES: "{n} with files",
    Reason.INCOMPLETE: "{n} with an incomplete answer",
    Reason.PERSONAL_DATA: "{n} with personal data",
    Reason.TOO_SHORT: "{n} too short",
    Reason.TOO_LONG: "{n} too long",
    Reason.DUPLICATE: "{n} equal",
    Reason.NEAR_DUPLICATE: "{n} nearly equal",
    Reason.TAG_LIMIT: "{n} over the limit of a tag",
    Reason.WITHDRAWN: "{n} withdrawn meanwhile",
}


def meaning(format: Format) -> str:
    return t(_MEANINGS[format])


def source_word(source: Source) -> str:
    return t(_SOURCES[source])


def reason_words(reason: Reason, number: int) -> str:
    return t(_REASONS[reason], n=f"{number:,}")


def settings_words(settings: DatasetSettings) -> list[tuple[str, str]]:
    """Return names and values of what a dataset is made of."""
    filters = [each for each in (settings.group, settings.model, settings.tag) if each]
    if settings.since or settings.until:
        first, last = (each.date().isoformat() if each else "…" for each in (settings.since, settings.until))
        filters.append(f"{first} – {last}")
    kept = [
        (settings.context, t("Earlier turns")), (settings.instructions, t("Instructions")), (settings.tools, t("Tool calls")),
    ]  # fmt: skip
    masks = t("Personal data is masked") if settings.personal_data == "mask" else t("Lines with personal data are left out")
    limit = [t("At most {n} of each tag", n=f"{settings.tag_limit:,}")] if settings.tag_limit else []
    return [
        (t("Format"), f"{FORMATS[settings.format]}, {LAYOUTS[settings.layout]}"),
        (t("Sources"), listed(source_word(each) for each in settings.sources)),
        (t("Filter"), listed(filters) or t("None")),
        (t("Cleaned"), listed([masks, t("{low} to {high} characters", low=f"{settings.min_characters:,}",
                                           high=f"{settings.max_characters:,}"), *limit])),
        (t("Kept"), listed(word for keep, word in kept if keep) or t("Question and answer alone")),
    ]  # fmt: skip
