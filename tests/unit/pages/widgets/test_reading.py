from __future__ import annotations

from streamlit.testing.v1 import AppTest


def waiting() -> None:
    from pages.widgets.chat.composer.reading import reading

    with reading("Q3 *plan*.pdf") as tell:
        tell(3)
        tell(2)
        raise ValueError("still reading")


def read() -> None:
    from pages.widgets.chat.composer.reading import reading

    with reading("Q3.pdf") as tell:
        tell(2)


def test_a_document_that_waits_says_its_position() -> None:
    drawn = AppTest.from_function(waiting).run()
    assert [each.value for each in drawn.caption] == ["Other documents are being processed. Q3 \\*plan\\*\\.pdf is at queue position 2."]
    assert len(drawn.exception) == 1


def test_nothing_of_it_stays_once_it_is_read() -> None:
    drawn = AppTest.from_function(read).run()
    assert not drawn.caption and not drawn.exception
