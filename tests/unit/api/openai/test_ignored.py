from __future__ import annotations

import pytest
from h11 import Response

from api.openai.ignored import HEADER, MAX_OF_ALL, ignored_header

NAMES = [[" x"], ["x "], ["\t"], [" "], ["a" * MAX_OF_ALL, "b"], ["é\x10\r\n", "\ud83d"], ["a" * (MAX_OF_ALL - 1), "b"]]


@pytest.mark.parametrize("names", NAMES)
def test_whatever_a_field_is_called_its_header_can_be_sent(names: list[str]) -> None:
    headers = ignored_header(names)
    Response(status_code=200, headers=[(name.encode(), value.encode()) for name, value in headers.items()])  # refuses what is no header
    assert set(headers) <= {HEADER} and all(len(value) <= MAX_OF_ALL for value in headers.values())
