from __future__ import annotations

import pytest

from pages.shell import words
from pages.widgets.models.device_words import device_word


@pytest.mark.parametrize(
    ("language", "device", "shown"),
    [
        ("en", "CPU, 1 thread", "CPU, 1 thread"),
        ("en", "CPU, 8 threads", "CPU, 8 threads"),
        ("zh", "CPU, 8 threads", "CPU，8 个线程"),
        ("zh", "NVIDIA H100, 40 of 41 layers", "NVIDIA H100, 40 of 41 layers"),
    ],
)
def test_a_device_is_shown_in_the_persons_language(monkeypatch: pytest.MonkeyPatch, language: str, device: str, shown: str) -> None:
    monkeypatch.setattr(words, "language", lambda: language)
    assert device_word(device) == shown
