"""Versions are built from the ratings of people who agreed, and say what they left out."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.chat.context.records import AnswerContext, Applied, Holder, Instructions
from core.chat.records import MessageStatus
from core.chat.tools.records import ToolStep
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from core.operations.records import RetentionKind
from core.operations.retention import Retention
from core.people.audit_records import AuditFilter
from core.people.permissions import Permission
from core.people.records import User
from core.review.cases.records import CaseState
from core.review.datasets.builds import KIND
from core.review.datasets.records import DatasetSettings, Format, Layout, PersonalData, Reason, Source
from core.tasks.handlers import Report, Stopping
from core.tasks.records import JobFilter
from tests.store import things
from tests.unit.core.review.datasets.conftest import SFT, House

DPO = DatasetSettings(format=Format.DPO, sources=(Source.OPPOSITE, Source.VOTES))
KTO = DatasetSettings(format=Format.KTO, sources=(Source.GOOD, Source.POOR))


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def left_out(report: Mapping[Reason, int]) -> dict[str, int]:
    return {reason.value: number for reason, number in report.items()}


def test_only_people_who_agreed_are_in_a_version(house: House, admin: User, ana: User) -> None:
    house.rated(ana, "What is VAT?", "A tax on what is sold.")
    with pytest.raises(InvalidInput, match="No example is left"):
        house.build(admin)
    house.group("Risk", improves_models=True)
    assert house.consent.get(ana) == house.consent.choose(ana, None)
    assert house.consent.get(ana).agreed and not house.consent.get(ana).own
    assert house.build(admin).report.kept == 1
    house.consent.choose(ana, False)
    with pytest.raises(InvalidInput, match="No example is left"):
        house.build(admin)
    assert left_out(house.datasets.preview(admin, SFT).report.left_out) == {"no_consent": 1}


def test_a_line_holds_the_conversation_and_where_it_comes_from_but_no_name(house: House, admin: User, willing: User) -> None:
    chat = house.chat(willing)
    first = house.answer(willing, house.ask(chat, "I am Ana Costa. What is VAT?"), "A tax.")
    second = house.answer(willing, house.ask(chat, "And in Spain? Write to ana@example.com", first), "It is 21 %.")
    house.rate(willing, second, state=CaseState.KEPT, tags=["Tax"])
    version = house.build(admin, replace(SFT, sources=(Source.ACCEPTED,)))
    [line] = lines(house.text(admin, version))
    assert line["messages"] == [
        {"role": "user", "content": "I am [NAME]. What is VAT?"},
        {"role": "assistant", "content": "A tax."},
        {"role": "user", "content": "And in Spain? Write to [E-MAIL]"},
        {"role": "assistant", "content": "It is 21 %."},
    ]
    about = line["provenance"]
    assert (about["source"], about["decision"], about["case"]) == ("accepted", "kept_as_example", "1")
    assert (about["conversation_id"], about["answer_id"]) == (chat.id, second.id)
    assert (about["model"], about["model_version"]) == ("glm-4-9b", "f00d") and about["rated_at"].startswith("2026-11-21T12:00:01")
    assert "ana" not in house.text(admin, version).lower().replace("analyst", "")
    assert (version.report.masked, dict(version.report.by_tag)) == (1, {"Tax": 1})
    alone = house.build(admin, replace(SFT, context=False))
    assert [each["role"] for each in lines(house.text(admin, alone))[0]["messages"]] == ["user", "assistant"]


def test_pairs_come_from_opposite_ratings_and_votes(house: House, admin: User, willing: User) -> None:
    asked = house.ask(house.chat(willing), "What is a bond?")
    good, poor = house.answer(willing, asked, "A loan that can be sold."), house.answer(willing, asked, "A secret agent.")
    house.rate(willing, good)
    house.rate(willing, poor, -1)
    compared = house.ask(house.chat(willing), "What is a share?")
    best, other = house.answer(willing, compared, "A part of a company."), house.answer(willing, compared, "Half of a cake.")
    house.prefer(willing, best, other)
    first, second = lines(house.text(admin, house.build(admin, DPO)))
    assert first["prompt"] == [{"role": "user", "content": "What is a bond?"}]
    assert first["chosen"] == [{"role": "assistant", "content": good.text}]
    assert first["rejected"] == [{"role": "assistant", "content": poor.text}]
    assert first["provenance"]["source"] == "opposite" and first["provenance"]["rejected_id"] == poor.id
    assert (second["provenance"]["source"], second["rejected"][0]["content"]) == ("votes", other.text)
    factory = house.build(admin, replace(DPO, layout=Layout.LLAMA_FACTORY))
    line = lines(house.text(admin, factory))[0]
    assert line["messages"] == first["prompt"] and line["chosen"] == first["chosen"][0] and line["rejected"] == first["rejected"][0]
    info = json.loads(house.text(admin, factory, "dataset_info.json"))
    assert info["dataset_train"]["ranking"] is True and info["dataset_train"]["file_name"] == "train.jsonl"
    assert info["dataset_train"]["columns"] == {"messages": "messages", "chosen": "chosen", "rejected": "rejected"}


def test_a_better_answer_stands_in_place_of_the_rated_one(house: House, admin: User, willing: User) -> None:
    answer = house.answer(willing, house.ask(house.chat(willing), "What is a bond?"), "A secret agent.")
    house.rate(willing, answer, -1, better="A loan that can be sold. Ask Ana.")
    house.rated(willing, "What is a share?", "A part of a company.")
    corrected = (Source.CORRECTED,)
    [pair] = lines(house.text(admin, house.build(admin, replace(DPO, sources=corrected))))
    assert pair["chosen"] == [{"role": "assistant", "content": "A loan that can be sold. Ask [NAME]."}]
    assert pair["rejected"] == [{"role": "assistant", "content": "A secret agent."}]
    assert pair["provenance"]["source"] == "corrected"
    [single] = lines(house.text(admin, house.build(admin, replace(SFT, sources=corrected))))
    assert single["messages"][1]["content"].startswith("A loan that can be sold.")
    both = lines(house.text(admin, house.build(admin, replace(KTO, sources=(Source.CORRECTED, Source.POOR)))))
    assert [each["label"] for each in both] == [True, False]


def test_single_answers_are_labelled_by_their_rating(house: House, admin: User, willing: User) -> None:
    house.rated(willing, "What is a bond?", "A loan that can be sold.")
    house.rated(willing, "What is a share?", "Half of a cake.", -1)
    found = lines(house.text(admin, house.build(admin, KTO)))
    assert [(each["completion"][0]["content"], each["label"]) for each in found] == [
        ("A loan that can be sold.", True), ("Half of a cake.", False),
    ]  # fmt: skip


def test_calls_of_tools_and_instructions_are_kept_by_choice(house: House, admin: User, willing: User) -> None:
    with house.unit_of_work() as work:
        work.instructions.put(Instructions(Holder.PERSON, willing.id, "Answer in one line.", house.clock()))
        work.commit()
    read = AnswerContext(instructions=(Applied(Holder.PERSON, willing.id, house.clock()),))
    step = ToolStep(
        id="c1", name="rates", title="Rates", arguments='{"at":"2026"}', round=1, text_at=5, reasoning_at=0, started_at=house.clock(),
        result="1.08",
    )  # fmt: skip
    asked = house.ask(house.chat(willing), "The rate?")
    house.rate(willing, house.answer(willing, asked, "Look.It is 1.08.", steps=[step], context=read))
    whole = lines(house.text(admin, house.build(admin, replace(SFT, tools=True, instructions=True))))[0]["messages"]
    assert whole == [
        {"role": "system", "content": "Answer in one line."},
        {"role": "user", "content": "The rate?"},
        {"role": "assistant", "content": "Look.", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "rates", "arguments": '{"at":"2026"}'}},
        ]},
        {"role": "tool", "content": "1.08", "tool_call_id": "c1", "name": "rates"},
        {"role": "assistant", "content": "It is 1.08."},
    ]  # fmt: skip
    plain = lines(house.text(admin, house.build(admin)))[0]["messages"]
    assert [each["content"] for each in plain] == ["The rate?", "Look.It is 1.08."]


def test_every_step_says_how_many_it_took_out(house: House, admin: User, willing: User) -> None:
    house.rated(willing, "What is VAT?", "A tax.")
    house.rated(willing, "what is VAT", "A  tax!")
    long = " ".join(f"word{number}" for number in range(60))
    house.rated(willing, "Explain it", long)
    house.rated(willing, "Explain it", f"{long} more")
    house.rated(willing, "Call me", "On 13812345678, please.")
    house.rated(willing, "Yes?", "No")
    stopped = house.answer(willing, house.ask(house.chat(willing), "Go on"), "Half an ans", MessageStatus.STOPPED)
    house.rate(willing, stopped)
    asked = house.ask(house.chat(willing), "Read this")
    with house.unit_of_work() as work:
        file = things.file(willing, 3)
        work.files.add(file, b"abc")
        work.files.attach(asked.id, asked.conversation_id, [file.id])
        work.commit()
    house.rate(willing, house.answer(willing, asked, "It says abc."))
    gone = house.rated(willing, "Old", "An old answer.")
    with house.unit_of_work() as work:
        work.conversations.remove(gone.conversation_id)
        work.commit()
    settings = replace(SFT, personal_data=PersonalData.LEAVE_OUT, min_characters=3, max_characters=2000)
    report = house.build(admin, settings).report
    assert report.found == 9 and report.kept == 2
    assert left_out(report.left_out) == {
        "chat_deleted": 1, "files": 1, "incomplete": 1, "personal_data": 1, "too_short": 1, "duplicate": 1, "near_duplicate": 1,
    }  # fmt: skip
    assert house.build(admin, replace(settings, near_duplicates=False)).report.kept == 3


def test_each_tag_is_limited(house: House, admin: User, willing: User) -> None:
    for number in range(6):
        house.rated(willing, f"Question {number}", f"Answer number {number} of six", tags=["Tax"] if number < 4 else [])
    report = house.build(admin, replace(SFT, tag_limit=2)).report
    assert (report.kept, dict(report.by_tag), left_out(report.left_out)) == (4, {"Tax": 2}, {"tag_limit": 2})


def test_equal_settings_give_equal_bytes_and_what_was_withdrawn_is_missing_in_the_next_version(
    house: House, admin: User, willing: User
) -> None:
    first, second = house.rated(willing, "One?", "The first answer."), house.rated(willing, "Two?", "Another answer.")
    house.rated(willing, "Three?", "A third one.")
    dataset = house.datasets.add(admin, "Answers", SFT)
    one, two = house.build_again(admin, dataset.id), house.build_again(admin, dataset.id)
    assert (one.number, two.number) == (1, 2)
    assert [each.sha256 for each in one.files] == [each.sha256 for each in two.files] and one.files[0].lines == 3
    assert [each.gone for each in house.datasets.get(admin, dataset.id).versions] == [0, 0]
    with house.unit_of_work() as work:
        work.conversations.remove(first.conversation_id)
        work.feedback.remove(willing.id, second.id)
        work.commit()
    assert [each.gone for each in house.datasets.get(admin, dataset.id).versions] == [2, 2]
    three = house.build_again(admin, dataset.id)
    assert len(lines(house.text(admin, three))) == 1 and house.datasets.version(admin, dataset.id, 3).gone == 0
    house.consent.choose(willing, False)
    assert house.datasets.version(admin, dataset.id, 3).gone == 1


def test_a_rating_that_is_taken_back_during_a_build_does_not_get_in(house: House, admin: User, willing: User) -> None:
    house.rated(willing, "One?", "The first answer.")
    second = house.rated(willing, "Two?", "Another answer.")
    dataset = house.datasets.add(admin, "Answers", SFT)
    job = house.builds.start(admin, dataset.id)

    class Meanwhile(Report):
        def __call__(self, progress: float, **detail: Any) -> None:
            with house.unit_of_work() as work:
                work.feedback.remove(willing.id, second.id)
                work.commit()

    house.run(job, Meanwhile(threading.Event()))
    [version] = house.datasets.get(admin, dataset.id).versions
    assert left_out(version.version.report.left_out) == {"withdrawn": 1} and version.gone == 0
    assert len(lines(house.text(admin, version.version))) == 1


def test_a_build_that_stops_leaves_nothing_and_is_done_again(house: House, admin: User, willing: User) -> None:
    house.rated(willing, "One?", "The first answer.")
    dataset = house.datasets.add(admin, "Answers", SFT)
    job = house.builds.start(admin, dataset.id)
    with pytest.raises(Conflict):
        house.builds.start(admin, dataset.id)
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopping):
        house.run(job, Report(stopping))
    assert house.datasets.get(admin, dataset.id).versions == ()
    house.run(job)
    house.run(job)
    assert [each.version.number for each in house.datasets.get(admin, dataset.id).versions] == [1], "the second run found it done"


def test_the_same_chats_are_held_out_of_every_dataset(house: House, admin: User, willing: User) -> None:
    split = House(house.unit_of_work, house.clock, house.jobs, holdout_percent=40)
    chats: list[str] = []
    for number in range(5):
        chat = house.chat(willing, f"chat-{number}")
        for part in ("first", "second"):
            answer = house.answer(willing, house.ask(chat, f"{part} question {number}?"), f"The {part} answer to number {number}")
            house.rate(willing, answer, 1 if part == "first" else -1)
        chats.append(chat.id)

    def sides(settings: DatasetSettings) -> tuple[set[str], set[str]]:
        version = split.build(admin, settings)
        found = [lines(split.text(admin, version, name)) for name in ("train.jsonl", "holdout.jsonl")]
        train, held = ({each["provenance"]["conversation_id"] for each in part} for part in found)
        return train, held

    (sft, sft_held), (kto, kto_held) = sides(SFT), sides(KTO)
    assert sft | sft_held == kto | kto_held == set(chats)
    assert not (sft | kto) & (sft_held | kto_held) and sft_held and sft


def test_only_people_who_may_export_reviews_make_datasets_and_it_is_audited(house: House, admin: User, willing: User) -> None:
    house.rated(willing, "One?", "The first answer.")
    with pytest.raises(NotAllowed):
        house.datasets.list(willing)
    limited = replace(admin, withheld=frozenset({Permission.EXPORT}))
    with pytest.raises(NotAllowed):
        house.datasets.add(limited, "Answers", SFT)
    version = house.build(admin, name="Answers")
    assert [each.dataset.name for each in house.datasets.list(limited)] == ["Answers"]
    with pytest.raises(NotAllowed):
        house.text(limited, version)
    with pytest.raises(NotFound, match="no file of this name"):
        house.text(admin, version, "holdout.jsonl")
    house.text(admin, version)
    used = house.datasets.note_use(admin, version.dataset_id, 1, "Adapter tax-1")
    assert used.version.used_by == "Adapter tax-1" and used.built_by == "root"
    with pytest.raises(Conflict, match="Adapter tax-1"):
        house.datasets.remove(admin, version.dataset_id)
    with pytest.raises(Conflict, match="Adapter tax-1"):
        house.datasets.remove_version(admin, version.dataset_id, 1)
    house.datasets.note_use(admin, version.dataset_id, 1, "")
    house.datasets.remove_version(admin, version.dataset_id, 1)
    with pytest.raises(NotFound):
        house.datasets.version(admin, version.dataset_id, 1)
    assert house.build_again(admin, version.dataset_id).number == 2, "a number is never used again"
    with pytest.raises(Conflict, match="already exists"):
        house.datasets.add(admin, "answers", SFT)
    house.datasets.change(admin, version.dataset_id, "Tax", KTO)
    house.datasets.remove(admin, version.dataset_id)
    with house.unit_of_work() as work:
        assert work.jobs.find(JobFilter(kinds=(KIND,)), 9)
        actions = {entry.event.action for entry in work.audit.find(AuditFilter(), 50)}
    assert actions >= {f"dataset.{each}" for each in ("add", "change", "build", "built", "download", "use", "remove", "remove_version")}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sources": ()}, "at least one"),
        ({"sources": (Source.POOR,)}, "SFT cannot be made of these sources: poor"),
        ({"min_characters": 0}, "limits of length"),
        ({"min_characters": 9, "max_characters": 8}, "limits of length"),
        ({"tag_limit": 0}, "limit for each tag"),
        ({"tools": True, "layout": Layout.LLAMA_FACTORY}, "LLaMA-Factory cannot hold"),
        ({"since": things.NOW, "until": things.NOW}, "begin before"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        replace(SFT, **settings)


def test_a_file_that_is_not_what_was_built_is_not_handed_out(house: House, admin: User, willing: User) -> None:
    house.rated(willing, "What is VAT?", "A tax on what is sold.")
    version = house.build(admin)
    assert "A tax" in house.text(admin, version)
    with house.unit_of_work() as work:
        work.datasets.add_file(version.id, replace(version.files[0], id="0" * 32, name="other.jsonl"), [b"{}\n"])
        work.commit()
    with pytest.raises(Unavailable, match=r"other\.jsonl is damaged"):
        house.datasets.download(admin, version.dataset_id, version.number, "other.jsonl")


def test_a_rule_deletes_old_versions_but_none_that_is_used_or_under_a_hold(house: House, admin: User, willing: User) -> None:
    house.rated(willing, "What is VAT?", "A tax on what is sold.")
    used, held, free = (house.build(admin) for _ in range(3))
    retention = Retention(house.unit_of_work, house.clock)
    assert house.datasets.version(admin, free.dataset_id, 1).due_at is None
    retention.set_rule(admin, RetentionKind.DATASETS, "*", 30)
    house.datasets.note_use(admin, used.dataset_id, 1, "glm-risk")
    assert house.datasets.version(admin, used.dataset_id, 1).due_at is None
    assert house.datasets.version(admin, free.dataset_id, 1).due_at == free.built_at + timedelta(days=30)
    house.clock.forward(days=29)
    assert retention.apply(admin) == 0
    house.clock.forward(days=1, seconds=1)
    retention.place_hold(admin, willing.name, "Lawsuit")
    assert retention.apply(admin) == 0, "a chat of a person under a hold is in every version"
    retention.lift_hold(admin, willing.name)
    retention.set_rule(admin, RetentionKind.DATASETS, "Nobody", 1)
    assert retention.apply(admin) == 2
    assert [len(house.datasets.get(admin, each.dataset_id).versions) for each in (used, held, free)] == [1, 0, 0]
