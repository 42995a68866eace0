"""Boxes are read from both answer forms of GLM-V, with any text around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.grounding.answers import MAX_BOXES, read_answer
from core.grounding.records import MAX_LABEL
from core.images.records import PixelMapping

SEEN = PixelMapping(2000, 1000, 1, 1988, 980)
SIMPLE = [(200.0, 200.0, 600.0, 400.0)]
TWO = [(200.0, 200.0, 600.0, 400.0), (1000.0, 0.0, 2000.0, 1000.0)]


def edges(text: str) -> list[tuple[float, ...]]:
    return [box.edges for box in read_answer(text, SEEN)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<|begin_of_box|>[[100,200,300,400]]<|end_of_box|>", SIMPLE),
        ("<|begin_of_box|>[100, 200, 300, 400]<|end_of_box|>", SIMPLE),
        ("[[100,200,300,400]]", SIMPLE),
        ("The car is at <|begin_of_box|>[[100,200,300,400],[500,0,1000,1000]]<|end_of_box|>.", TWO),
        ("<|begin_of_box|>[[100,200,300,400]]<|end_of_box|> and <|begin_of_box|>[[500,0,1000,1000]]<|end_of_box|>", TWO),
        ("<|begin_of_box|>[[100,200,300,400]", SIMPLE),
        ("<|begin_of_box|>[[100,200,300,400],[500,0,10", SIMPLE),
        ("(100, 200, 300, 400)", SIMPLE),
        ("[[ 100 ,\n 200 , 300.0 , 400 ]]", SIMPLE),
        ('```json\n[{"label": "car", "bbox_2d": [100, 200, 300, 400]}]\n```', SIMPLE),
        ('[{"bbox_2d": [[100,200,300,400],[500,0,1000,1000]], "label": "car"}]', TWO),
        ('[{"bbox_2d": [100,200,300,400], "label": "car"}, {"bbox_2d": [500,0,1000,1000], "label": "b', SIMPLE),
        ("[{'bbox_2d': [100, 200, 300, 400], 'label': 'car'},]", SIMPLE),
        ('{"boxes": [{"bbox_2d": "100, 200, 300, 400"}, {"bbox_2d": [500,0,1000,1000,]}]}', TWO),
        ("<think>It may be at [[1,2,3,4]].</think>[[100,200,300,400]]", SIMPLE),
        ("It may be at [[1,2,3,4]].</think>[[100,200,300,400]]", SIMPLE),
        ("[[300,400,100,200]]", SIMPLE),
        ("[[100,200,300,400],[100,200,300,400]]", SIMPLE),
        ("[[500,-20,1030,1000]]", [(1000.0, 0.0, 2000.0, 1000.0)]),
        ("[[1100,200,1300,400]]", []),
        ("[[100,200,100,400]]", []),
        ("[[100,200,300]] [1,2,3,4,5] [a,b,c,d]", []),
        ('{"bbox_2d": [true, 0, 1, 2]} {"bbox_2d": null} {"bbox_2d": [NaN, 1, 2, 3]} {"bbox_2d": [1e99, 1, 2, 3]}', []),
        ("I cannot see a car.", []),
        ("", []),
    ],
)
def test_an_answer_is_read_in_either_form(text: str, found: list[tuple[float, ...]]) -> None:
    assert edges(text) == found


def test_labels_come_from_json_then_from_the_phrase_then_from_the_words_before_a_box() -> None:
    text = "**Red car**: [[0,0,100,100],[100,100,200,200]]\nDog: [[300,300,400,400]], somewhere [[500,500,600,600]]"
    assert [box.label for box in read_answer(text, SEEN)] == ["Red car", "Red car", "Dog", ""]
    assert [box.label for box in read_answer(text, SEEN, label="animal")] == ["animal"] * 4
    json = '[{"bbox_2d": [0,0,100,100], "label": "red\\n car"}, {"bbox_2d": [0,0,200,100]}]'
    assert [box.label for box in read_answer(json, SEEN, label="car")] == ["red car", "car"]
    assert [box.label for box in read_answer("红色汽车：[[0,0,100,100]]", SEEN)] == ["红色汽车"]


def test_confidence_is_kept_where_it_is_one() -> None:
    text = '[{"bbox_2d":[0,0,9,9],"confidence":0.75},{"bbox_2d":[0,0,8,8],"score":7},{"bbox_2d":[0,0,7,7]}]'
    assert [box.confidence for box in read_answer(text, SEEN)] == [0.75, None, None]


def test_a_flood_of_boxes_and_a_long_label_are_cut() -> None:
    many = ",".join(f"[{n % 900},{n // 900},{n % 900 + 50},{n // 900 + 50}]" for n in range(5_000))
    assert len(read_answer(f"[{many}]", SEEN)) == MAX_BOXES
    assert len(read_answer('{"label": "%s", "bbox_2d": [1,2,3,4]}' % ("x" * 1_000), SEEN)[0].label) == MAX_LABEL


@given(st.text(alphabet='[](){}<|>,:"0123456789.-eE \nbbox_2dlabel红', max_size=400))
def test_any_text_gives_only_boxes_within_the_image(text: str) -> None:
    for box in read_answer(text, SEEN):
        assert 0 <= box.left < box.right <= 2000 and 0 <= box.top < box.bottom <= 1000
