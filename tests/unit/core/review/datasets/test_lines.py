"""Lines are read by the reader that training libraries use, and near duplicates and held out chats are found alike everywhere."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.json
import pytest

from core.inference.requests import ChatRole, ToolCall
from core.review.datasets.cleaning import within_tag_limit
from core.review.datasets.duplicates import Duplicates, normalized
from core.review.datasets.examples import Example, ExampleMessage, Wanted
from core.review.datasets.holdout import is_held_out
from core.review.datasets.lines import line_of
from core.review.datasets.ports import Rated
from core.review.datasets.records import DatasetSettings, Format, Layout, Source
from core.review.datasets.stored import read_settings, write_settings

RATED = Rated(
    id="r", user_id="u", conversation_id="c", answer_id="a", rating=1, rated_at=datetime(2026, 11, 21, tzinfo=UTC), model="glm",
)  # fmt: skip
CALLS = (ToolCall("1", "rates", '{"at":"2026"}'),)


def example(*, label: bool = True, tools: bool = False) -> Example:
    call = ExampleMessage(ChatRole.ASSISTANT, "", tool_calls=CALLS)
    looked = (call, ExampleMessage(ChatRole.TOOL, "1.08", tool_call_id="1", name="rates")) if tools else ()
    return Example(
        wanted=Wanted(rated=RATED, source=Source.GOOD, answer_id="a", label=label), prompt=(ExampleMessage(ChatRole.USER, "税率 “x”\n?"),),
        answer=(*looked, ExampleMessage(ChatRole.ASSISTANT, "21 %")), rejected=(ExampleMessage(ChatRole.ASSISTANT, "12 %"),),
    )  # fmt: skip


COLUMNS = {
    (Format.SFT, Layout.TRL): ["messages"],
    (Format.DPO, Layout.TRL): ["chosen", "prompt", "rejected"],
    (Format.KTO, Layout.TRL): ["completion", "label", "prompt"],
    (Format.SFT, Layout.LLAMA_FACTORY): ["messages"],
    (Format.DPO, Layout.LLAMA_FACTORY): ["chosen", "messages", "rejected"],
    (Format.KTO, Layout.LLAMA_FACTORY): ["label", "messages"],
}


@pytest.mark.parametrize(("format", "layout"), COLUMNS)
def test_arrow_which_loads_json_for_trl_reads_every_format_as_one_table(format: Format, layout: Layout) -> None:
    settings = DatasetSettings(format=format, layout=layout, sources=(Source.CORRECTED,), tools=layout is Layout.TRL)
    written = [line_of(example(label=number % 2 == 0, tools=settings.tools and number == 1), settings) for number in range(3)]
    table = pyarrow.json.read_json(io.BytesIO(b"".join(written)))
    assert table.num_rows == 3 and [name for name in sorted(table.column_names) if name != "provenance"] == COLUMNS[format, layout]
    first = table.to_pylist()[0]
    question = (first.get("prompt") or first.get("messages"))[0]
    assert (question["role"], question["content"]) == ("user", "税率 “x”\n?")
    assert set(first["provenance"].values()) >= {"r", "c", "a", "glm", "good"}
    if "label" in first:
        assert [each["label"] for each in table.to_pylist()] == [True, False, True]


def test_nearly_equal_texts_are_found_in_any_script_and_other_texts_stay() -> None:
    kept = Duplicates()
    english = " ".join(f"word{number}" for number in range(80))
    chinese = "增值税是对货物和服务在流转过程中产生的增值额征收的一种税，最终由消费者承担，企业只是代收代缴，并按期向税务机关申报。"
    for text in (english, chinese):
        kept.keep(normalized(text))
    assert kept.is_equal(normalized(english.upper() + " !")) and not kept.is_equal(normalized(english + " more"))
    assert kept.is_near(normalized(english + " more")) and kept.is_near(normalized(chinese + "好"))
    assert not kept.is_near(normalized(english.replace("word4", "term")))
    assert not kept.is_near(normalized("企业所得税是对企业利润征收的税。")) and not kept.is_near("")


def test_a_larger_share_holds_out_what_a_smaller_one_does() -> None:
    chats = [f"chat-{number}" for number in range(2000)]
    held = {percent: {each for each in chats if is_held_out(each, percent)} for percent in (0, 10, 30, 50)}
    assert not held[0] and held[10] < held[30] < held[50]
    assert {percent: round(len(each) / 200) for percent, each in held.items()} == {0: 0, 10: 1, 30: 3, 50: 5}
    assert sorted(held[10])[0] == "chat-1008", "the split of earlier releases must stay"


def test_a_tag_limit_takes_the_same_examples_each_time_and_leaves_others_alone() -> None:
    tags = [(f"answer-{number}", ("a", "b") if number % 3 == 0 else ("a",) if number % 3 == 1 else ()) for number in range(30)]
    stays = within_tag_limit(tags, 4)
    assert stays == within_tag_limit(tags, 4) and within_tag_limit(tags, None) == [True] * 30
    kept = [names for (_, names), stay in zip(tags, stays, strict=True) if stay]
    assert sum("a" in names for names in kept) == 4 and sum(names == () for names in kept) == 10


def test_settings_come_back_from_a_row_of_another_release() -> None:
    settings = DatasetSettings(
        format=Format.KTO, sources=(Source.POOR, Source.GOOD), since=datetime(2026, 1, 2, tzinfo=UTC), tag_limit=3, context=False,
    )  # fmt: skip
    stored = write_settings(settings)
    assert read_settings({**stored, "of_a_later_release": 1}) == settings
    del stored["layout"], stored["personal_data"], stored["states"]
    assert read_settings(stored) == replace(settings, layout=Layout.TRL)
