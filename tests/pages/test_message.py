"""Model text must not load anything, link anywhere or carry HTML."""

from __future__ import annotations

import pytest

from pages.widgets.chat.message import plain, safe


@pytest.mark.parametrize(
    "text",
    [
        "![a](http://evil.test/a.png)",
        "![a]( <http://evil.test/a.png> 'title')",
        "![a][r]\n\n[r]: http://evil.test/a.png",
        "[a](http://evil.test/a)",
        "[![a](http://evil.test/a.png)](http://evil.test/b)",
        "> ![a](http://evil.test/a.png)",
        "- [x] ![a](http://evil.test/a.png)",
        "| `a | ![x](http://evil.test/e.png) ` |\n|--|",
        "$a ` $ ![x](http://evil.test/f.png) `",
        "\\`![x](http://evil.test/f.png)\\`",
        "``` ![x](http://evil.test/g.png)",
    ],
)
def test_no_image_and_no_link_survives(text: str) -> None:
    live = _outside_code(safe(text)).replace("\\]", "")
    assert "](" not in live and "]:" not in live and "][" not in live


def _outside_code(markdown: str) -> str:
    """What is left when fenced blocks and code spans, read as Markdown reads them, are taken out."""
    import re

    without_blocks = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<![`\\])(`+)(?!`)[^\n|]*?(?<!`)\1(?!`)", "", without_blocks)


@pytest.mark.parametrize("text", ["<img src=x>", "<script>alert(1)</script>", "a <b>b</b>", "<http://evil.test>"])
def test_html_is_text(text: str) -> None:
    assert "<" not in safe(text)


@pytest.mark.parametrize("text", [":red[x]", ":material/home:", ":color[x]{foreground='red'}"])
def test_streamlits_directives_are_text(text: str) -> None:
    assert safe(text).startswith("\\:")


@pytest.mark.parametrize("text", ["http://evil.test/x", "www.evil.test", "me@evil.test"])
def test_a_bare_address_is_code_and_no_link(text: str) -> None:
    assert safe(f"See {text}.") == f"See `{text}`\\."


@pytest.mark.parametrize("opening", ["    ```", "  ```", "> ```", "1. x\n   ```", "\t```"])
def test_a_fence_is_written_where_markdown_sees_it_too(opening: str) -> None:
    written = safe(f"text\n{opening}\n![x](http://evil.test/g.png)\n```\nafter").split("\n")
    assert written.count("```") == 2, "at the left margin"
    inside = written[written.index("```") + 1 : len(written) - written[::-1].index("```") - 1]
    assert "![x](http://evil.test/g.png)" in inside and "after" not in inside


def test_code_keeps_every_character() -> None:
    block = "```python\na = b[0] if c < d else '$x$'  # http://x\n```"
    assert "\n" + block + "\n" in safe(block)
    assert safe("`a[0] < b`") == "`a[0] < b`"


def test_a_block_that_holds_fences_gets_a_longer_one() -> None:
    assert "````\n```\ninner\n```\n````" in safe("````\n```\ninner\n```\n````")


def test_a_block_that_is_still_being_written_is_code_already() -> None:
    assert safe("text\n```py\n![x](y)").rstrip().endswith("```")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("$x^2$", "$x^2$"),
        ("\\(x^2\\)", "$x^2$"),
        ("costs $5 and $10", "costs \\$5 and \\$10"),
        ("$5", "\\$5"),
    ],
)
def test_formulas_are_told_from_money(text: str, written: str) -> None:
    assert safe(text) == written


@pytest.mark.parametrize("text", ["$$\n\\frac{a}{b}\n$$", "\\[ \\frac{a}{b} \\]", "$$\\frac{a}{b}$$"])
def test_a_displayed_formula_stands_by_itself(text: str) -> None:
    assert safe(text).strip() == "$$\n\\frac{a}{b}\n$$"


@pytest.mark.parametrize("text", ["$\\includegraphics{http://evil.test/x}$", "$$\\href{http://evil.test}{x}$$", "$\\htmlId{a}{b}$"])
def test_a_formula_that_reaches_out_is_text(text: str) -> None:
    assert "\\$" not in safe(text) and "$" not in safe(text)


def test_plain_text_in_a_label_stays_what_it_is() -> None:
    assert plain("*a* [b](c)\n# d") == "\\*a\\* \\[b\\]\\(c\\) \\# d"
    assert "http://" not in plain("http://evil.test").replace("\\", "")


def test_a_long_hostile_text_takes_no_time() -> None:
    import time

    began = time.perf_counter()
    for part in ("[", "`", "$", "$a", "`a ", "\\[", "\\(", "![a](", "a", "> ", "$$ ", "$$a`b", "\\", "http://", "a@"):
        safe(part * (20_000 // len(part)) + "@")
    assert time.perf_counter() - began < 3
