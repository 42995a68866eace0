"""A report reads a real file: header, tensors, tokenizer, template, known faults."""

from __future__ import annotations

import shutil
from pathlib import Path

import gguf
import pytest

from core.errors import InvalidInput, NotFound
from core.models.catalogue import Capability
from core.models.report_records import Sample
from core.models.reports import FileReports
from core.people.records import User
from models.engine.llama import native
from models.gguf.catalogue import Catalogue
from models.gguf.inspector import Inspector
from samples.gguf_maker import make_gguf
from tests.unit.core.conftest import accounts, admin, clock, unit_of_work  # noqa: F401

TOOLS = "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}{% if tools %}{{ tools|tojson }}{% endif %}" \
    "<|assistant|>{% if enable_thinking %}<think>{% endif %}"


def said(found: object) -> str:
    return " ".join(str(part) for pair in found.warnings for part in pair)  # type: ignore[attr-defined]


def test_a_file_tells_its_header_tensors_tokenizer_and_abilities(tmp_path: Path) -> None:
    path = make_gguf(tmp_path / "glm.gguf", name="GLM-4-9B-0414", template=TOOLS)
    found = Inspector(nvidia=tmp_path / "none").inspect(path)
    assert found.title == "GLM-4-9B-0414" and found.parts == 1 and found.template == TOOLS
    assert found.metadata["general.architecture"] == "glm4" and "tokenizer.chat_template" not in found.metadata
    assert sum(each.size_bytes for each in found.tensors) > 0
    assert [each.size_bytes for each in found.tensors] == sorted((each.size_bytes for each in found.tensors), reverse=True)
    assert int(found.tokenizer["tokens"]) > 256
    assert found.capabilities == {Capability.THINKING, Capability.TOOLS}


def test_a_missing_template_and_a_cpu_build_on_a_gpu_machine_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_gguf(tmp_path / "glm.gguf", template=None)
    (tmp_path / "driver").touch()
    monkeypatch.setattr(native, "gpus", list)
    words = said(Inspector(nvidia=tmp_path / "driver").inspect(path))
    assert "no chat template" in words and "built for the CPU only" in words and "./portal run" in words


def test_an_old_glm_4_file_is_known_by_its_rotation(tmp_path: Path) -> None:
    good = make_gguf(tmp_path / "good.gguf")
    assert "rotates" not in said(Inspector(nvidia=tmp_path / "none").inspect(good))
    old = Path(shutil.copy(good, tmp_path / "old.gguf"))
    reader = gguf.GGUFReader(old, "r+")
    field = reader.get_field("glm4.rope.dimension_count")
    assert field is not None
    field.parts[field.data[0]][0] *= 2
    reader.data.flush()
    assert "rotates" in said(Inspector(nvidia=tmp_path / "none").inspect(old))


@pytest.mark.parametrize("sample", list(Sample))
def test_the_template_is_shown_on_a_sample(tmp_path: Path, sample: Sample) -> None:
    path = make_gguf(tmp_path / "glm.gguf", template=TOOLS)
    prompt = Inspector().preview(path, sample)
    assert "What is the weather in Beijing?" in prompt
    assert ("get_weather" in prompt) == (sample is Sample.TOOLS)
    assert ("<think>" in prompt) == (sample is not Sample.NO_THINKING)


def test_the_report_compares_the_file_with_the_catalogue(tmp_path: Path, admin: User) -> None:  # noqa: F811
    reports = FileReports(Inspector(nvidia=tmp_path / "none"), Catalogue())
    report = reports.of(admin, make_gguf(tmp_path / "any.gguf", name="GLM-Z1-9B-0414"))
    assert report.entry is not None and report.entry.id == "glm-z1-9b-0414"
    words = " ".join(map(str, report.differences))
    assert "trained for 1,024 tokens; the catalogue says 32,768" in words and "the catalogue says 40" in words
    unknown = reports.of(admin, make_gguf(tmp_path / "other.gguf", name="something"))
    assert unknown.entry is None and unknown.differences == ()


def test_a_file_without_a_template_has_no_preview_and_a_broken_one_no_report(tmp_path: Path, admin: User) -> None:  # noqa: F811
    reports = FileReports(Inspector(), Catalogue())
    with pytest.raises(NotFound, match="no chat template"):
        reports.preview(admin, make_gguf(tmp_path / "glm.gguf", template=None), Sample.TOOLS)
    (tmp_path / "cut.gguf").write_bytes(b"GGUF")
    with pytest.raises(InvalidInput):
        reports.of(admin, tmp_path / "cut.gguf")
