from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from samples.gguf_maker import make_gguf
from tests.pages.seeded import Stage, _draw, page, stage, texts


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Stage]:
    room = stage(tmp_path / "home", empty=True)
    yield room
    room.portal.close()


def report(made: Stage, path: Path) -> AppTest:
    test = AppTest.from_function(
        _draw, default_timeout=60, kwargs={"name": "models", "portal": made.portal, "user": made.admin, "language": "en"}
    )
    test.query_params["file"] = str(path)
    return test.run()


def test_the_page_of_a_file_shows_its_template_and_its_faults(made: Stage, tmp_path: Path) -> None:
    drawn = report(made, make_gguf(tmp_path / "<b>glm.gguf", name="![x](http://evil.example)"))
    assert not drawn.exception
    shown = texts(drawn)
    assert "Tensors by type" in shown and "Not a model of the catalogue" in shown and "](http" not in shown
    assert "What is the weather in Beijing?" in drawn.code[0].value
    drawn.button(key="report-back").click().run()
    assert "Memory on this machine" in texts(drawn)


def test_a_file_that_cannot_be_read_says_why(made: Stage, tmp_path: Path) -> None:
    assert "This file cannot be used" in texts(report(made, tmp_path / "nothing.gguf"))


def test_the_card_of_a_model_leads_to_its_file(made: Stage) -> None:
    drawn = page("models", made)
    drawn.button(key="report-fake").click().run()
    assert drawn.query_params["file"] == "/models/fake.gguf"


def test_a_whole_file_can_be_quantized_from_its_page(made: Stage, tmp_path: Path) -> None:
    drawn = report(made, make_gguf(tmp_path / "glm-F16.gguf"))
    drawn.button(key="report-quantize").click().run()
    assert "Creates glm" in texts(drawn)
    quantized = report(made, make_gguf(tmp_path / "glm-Q8_0.gguf", quantization="Q8_0"))
    assert not [button for button in quantized.button if button.key == "report-quantize"]
