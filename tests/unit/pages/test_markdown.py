"""A parser reads a model's text and writes it anew: it loads nothing, and text never becomes an element."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it.token import Token

from pages.markdown import blocks, formulas
from pages.markdown.growing import Growing, whole
from pages.markdown.inline import Context
from pages.markdown.reading import DEEPEST, parser
from pages.markdown.text import JOINER
from pages.widgets.chat.message import plain
from samples.markdown_documents import ATTACKS, DOCUMENTS

DRAWS = parser(latex=False)
"""A reader that knows no more than Streamlit's: dollars alone make formulas there."""


def tokens(written: str) -> list[Token]:
    """Return all tokens of written Markdown, those inside paragraphs too."""
    found: list[Token] = []
    for token in DRAWS.parse(written):
        found += [token, *(token.children or [])]
    return found


def again(written: str) -> str:
    """Write it again after reading it as Streamlit does."""
    blocks_read = list(blocks.top_level(DRAWS.parse(written)))
    return blocks.write(blocks_read, written.split("\n"), Context())[0]


def canonical(written: str) -> str:
    """Reduce Markdown to what must be equal: references, blank lines within lists, and the host behind a link may differ."""
    decoded = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), written)
    return re.sub(r"\n\s*\n", "\n", re.sub(r"( \\\([^()]+\\\))\1", r"\1", decoded))


@pytest.mark.parametrize("text", ATTACKS)
def test_a_known_attack_makes_no_picture_and_no_link_but_to_http(text: str) -> None:
    for token in tokens(whole(text)):
        assert token.type != "image"
        if token.type == "link_open":
            assert re.match(r"https?://[a-z0-9]", str(token.attrGet("href")), re.IGNORECASE)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(DOCUMENTS)
def test_what_is_written_says_the_same_when_it_is_read_again(text: str) -> None:
    written = whole(text)
    assert canonical(again(written)) == canonical(written)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(DOCUMENTS)
def test_a_growing_text_is_as_safe_as_a_finished_one_and_ends_like_it(text: str) -> None:
    growing = Growing()
    for end in range(0, len(text) + 1, max(1, len(text) // 12)):
        for token in tokens(growing.markdown(text[:end])):
            assert token.type != "image"
            if token.type == "link_open":
                assert str(token.attrGet("href")).startswith(("http://", "https://"))


@pytest.mark.parametrize("text", ["<img src=x>", "<script>alert(1)</script>", "a <b>b</b>", "<!-- a -->"])
def test_html_is_text(text: str) -> None:
    assert [token.content for token in tokens(whole(text)) if token.type == "text"] == [text]
    assert re.search(r"(?<!\\)<", whole(text)) is None


@pytest.mark.parametrize("text", [":red[x]", ":material/home:", "::leaf[x]", ":::box", ":color[x]{foreground='red'}"])
def test_streamlits_directives_are_text(text: str) -> None:
    assert whole(text).startswith("\\:") and plain(text).startswith("\\:")


@pytest.mark.parametrize(
    "text", [":smile:", ":material_home:", ":streamlit:", ":+1:", ":100:", "&colon;smile&colon;", "&#58;sm&#105;le:", "_a :sm*ile*: b_"]
)
def test_shortcodes_are_text_whatever_they_come_from(text: str) -> None:
    read = "".join(token.content for token in tokens(whole(text)) if token.type == "text")
    assert not re.search(r":[\w+-]+:", read)


def test_times_carry_no_invisible_characters() -> None:
    assert JOINER not in whole("From 12:30:45 to 13:00:00, a ratio of 3:2, std::vector, see: this")


@pytest.mark.parametrize("arrow", ["->", "<-", "<->", "--", ">=", "<=", "~="])
def test_arrows_and_dashes_stay_what_was_written(arrow: str) -> None:
    for written in (whole(f"a {arrow} b"), plain(f"a {arrow} b")):
        assert JOINER in written and written.replace(JOINER, "").replace("\\", "") == f"a {arrow} b"


# Links


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("https://example.com/a_(b)?c=d&e#f", "https://example.com/a_(b)?c=d&e#f"),
        ("(see http://example.com/a).", "http://example.com/a"),
        ("www.example.com, and", "http://www.example.com"),
        ("HTTPS://Example.com", "https://Example.com"),
        ("<http://example.com/x y>", "http://example.com/x"),
        ("见https://example.com/路", "https://example.com/"),
        ("[a](http://example.com/路)", "http://example.com/%E8%B7%AF"),
        ("![a](http://example.com/p.png)", "http://example.com/p.png"),
        ("[a](javascript:alert(1))", None),
        ("[a](/sign-out)", None),
        ("[a](ftp://example.com)", None),
        ("<mailto:me@example.com>", None),
        ("[a](https://good.example@evil.test)", None),
        ("[a](https://good.example\\@evil.test)", None),
    ],
)
def test_only_http_and_https_are_links(text: str, href: str | None) -> None:
    links = [token for token in tokens(whole(text, "External link:")) if token.type == "link_open"]
    assert [token.attrGet("href") for token in links] == ([] if href is None else [href])
    assert all(token.attrGet("title") == f"External link: {href}" for token in links)


def test_a_target_that_is_no_link_can_still_be_read() -> None:
    assert whole("[a](ftp://example.com/b)") == "a \\(`ftp://example.com/b`\\)"


def test_a_label_that_looks_like_another_address_does_not_hide_the_real_one() -> None:
    assert whole("[https://bank.example](http://evil.test/x)").endswith("\\(evil\\.test\\)")
    assert not whole("[the bank](http://evil.test/x)").endswith("\\)")


def test_a_mail_address_is_code_that_can_be_copied() -> None:
    assert whole("Write to me@example.com.") == "Write to `me@example.com`\\."


# Code


def test_code_keeps_every_character() -> None:
    block = "```python\na = b[0] if c < d else '$x$'  # http://x\n\tb\n```"
    assert whole(block) == block
    assert whole("`a[0] < b`") == "`a[0] < b`"


def test_a_block_that_holds_fences_gets_a_longer_one() -> None:
    assert "````\n```\ninner\n```\n````" in whole("````\n```\ninner\n```\n````")


@pytest.mark.parametrize("language", ["mermaid-x", "xmermaid", "math"])
def test_streamlit_draws_no_block_of_code_as_a_picture(language: str) -> None:
    assert whole(f"```{language}\n\\href{{x}}\n```") == "```\n\\href{x}\n```"


@pytest.mark.parametrize("language", ["mermaid", "MERMAID"])
def test_a_diagram_has_a_language_that_only_the_portal_draws(language: str) -> None:
    assert whole(f"```{language}\nflowchart TD\n```") == "```mermaidsource\nflowchart TD\n```"


@pytest.mark.parametrize("opening", ["  ```", "> ```", "1. x\n   ```", "- ```"])
def test_a_fence_stays_in_its_container(opening: str) -> None:
    fences = [token for token in tokens(whole(f"text\n\n{opening}\n![x](http://evil.test/g.png)")) if token.type == "fence"]
    assert len(fences) == 1


# Formulas


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("$x^2$", "$x^2$"),
        ("\\(x^2\\)", "$x^2$"),
        ("costs $5 and $10", "costs &#36;5 and &#36;10"),
        ("$5", "&#36;5"),
        ("\\(x\\)5", "$x$&#53;"),
        ("$x$\\(y\\)", f"$x${JOINER}$y$"),
        ("| a |\n|--|\n| $\\|x\\|$ |", "| a |\n| --- |\n| $\\vert x\\vert$ |"),
    ],
)
def test_formulas_are_told_from_money(text: str, written: str) -> None:
    assert whole(text) == written


@pytest.mark.parametrize(
    "text", ["$$\n\\frac{a}{b}\n$$", "\\[ \\frac{a}{b} \\]", "$$\\frac{a}{b}$$", "\\[\n\\frac{a}{b}\n\\]", "```math\n\\frac{a}{b}\n```"]
)
def test_a_displayed_formula_stands_by_itself(text: str) -> None:
    assert whole(text) == "$$\n\\frac{a}{b}\n$$"


def test_a_displayed_formula_in_a_sentence_gets_lines_of_its_own() -> None:
    assert whole("Thus $$a = b$$ holds") == "Thus\n\n$$\na = b\n$$\n\nholds"


@pytest.mark.parametrize(
    "formula",
    [
        *("\\includegraphics{http://evil.test/x}", "\\href{x}{y}", "\\htmlId{a}{b}", "\\def\\a{\\a\\a}\\a", "\\rule{9999em}{9999em}"),
        *("a`b", "![x](http://evil.test)", "{" * 60 + "}" * 60, "x" * 3_000, "\\newcommand{\\a}{b}", "a\\"),
    ],
)
def test_a_formula_that_reaches_out_is_text(formula: str) -> None:
    assert formulas.drawable(formula) is None
    assert not any(token.type in (formulas.INLINE, formulas.DISPLAY) for token in tokens(whole(f"$${formula}$$ and ${formula}$")))


# Emphasis


@pytest.mark.parametrize(
    "text",
    [
        *(
            "这是**“重要”**的",
            "**重要：**请注意",
            "中**“a”**文",
            "**`a`**中",
            "a**b**c",
            "***a** b*",
            "*a **b***",
            "**a *b***",
            "_a_*b*",
            "*a*_b_",
        ),
        *("~~a~~ **~~b~~**", "**a**`b`**c**", "[**a**](http://x.test)", "**[a](http://x.test)**中", "*__a__ b*", "甲*(a)*乙"),
    ],
)
def test_emphasis_survives_beside_letters_signs_and_other_emphasis(text: str) -> None:
    marks = [token.tag for token in tokens(whole(text)) if token.tag in ("em", "strong", "s") and token.nesting == 1]
    assert marks and "\\*" not in whole(text)


# Blocks


def test_lists_keep_their_numbers_their_nesting_and_their_tasks() -> None:
    text = "3. a\n   - b\n     1. c\n4. d\n\n- [x] done\n- [ ] open"
    assert whole(text) == "3. a\n   - b\n     1. c\n4. d\n\n- [x] done\n- [ ] open"


def test_two_lists_stay_two() -> None:
    assert whole("- a\n\n* b") == "- a\n\n* b"


def test_nesting_without_end_is_shown_as_its_source() -> None:
    text = "> " * (DEEPEST + 5) + "a"
    assert whole(text).replace("\\", "") == text


def test_a_table_keeps_its_columns() -> None:
    assert whole("| a | b |\n|:--|--:|\n| `x\\|y` | **z** |") == "| a | b |\n| :-- | --: |\n| `x\\|y` | **z** |"


# Growing


TALK = """# A title

Some **bold** words, a [link](http://x.test/a) and `code`.

- one
- two
  - three

| a | b |
|:--|--:|
| 1 | 2 |

```py
x = 1
```

$$
a = b
$$

The end.
"""


def test_a_grown_text_is_drawn_like_a_finished_one() -> None:
    growing = Growing()
    for end in range(len(TALK) + 1):
        last = growing.markdown(TALK[:end])
    assert last == f"{whole(TALK)} ▍"


def test_blocks_that_stand_are_not_drawn_differently_while_the_text_grows() -> None:
    growing, before = Growing(), ""
    for end in range(len(TALK) + 1):
        now = growing.markdown(TALK[:end])
        done = before.rsplit("\n\n", 2)[0] if before.count("\n\n") > 2 else ""
        assert now.startswith(done)
        before = now


@pytest.mark.parametrize(
    ("open", "drawn"),
    [
        ("a **b", "a **b**"),
        ("a **b*", "a **b**"),
        ("a **b** c", "a **b** c ▍"),
        ("a **", "a ▍"),
        ("a `b", "a `b`"),
        ("a ~~b", "a ~~b~~"),
        ("see [the docs](http://x.te", "see the docs ▍"),
        ("see ![the pic", "see the pic ▍"),
        ("text\n-", "text ▍"),
        ("text\n\n1.", "text ▍"),
        ("text\n\n#", "text ▍"),
        ("| a | b", "| a | b |\n| --- | --- |"),
        ("| a | b |\n", "| a | b |\n| --- | --- |"),
        ("text\n\n| a | b |\n", "text\n\n| a | b |\n| --- | --- |"),
        ("| a | b |\n|--", "| a | b |\n| --- | --- |"),
        ("```py\nx = 1", "```py\nx = 1\n```"),
    ],
)
def test_what_is_open_is_drawn_as_what_it_will_be(open: str, drawn: str) -> None:
    assert Growing().markdown(open) == drawn


def test_what_has_been_drawn_as_a_table_stays_one() -> None:
    growing = Growing()
    for end in range(TALK.index("| a") + 3, len(TALK)):
        assert "| --- |" in growing.markdown(TALK[:end]).replace(":--", "---").replace("--:", "---"), TALK[:end]


def test_a_text_that_was_replaced_is_read_anew() -> None:
    growing = Growing()
    growing.markdown("# a\n\nb\n\nc")
    assert growing.markdown("# z\n\ny") == "# z\n\ny ▍"


# Labels


def test_plain_text_in_a_label_stays_what_it_is() -> None:
    assert plain("*a* [b](c)\n# d") == "\\*a\\* \\[b\\]\\(c\\) \\# d"
    assert "http://" not in plain("http://evil.test").replace("\\", "")
    assert plain("$5 `a`") == "&#36;5 &#96;a&#96;"


# Failures and time


def test_a_text_on_which_the_parser_fails_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("pages.markdown.growing.read", fail)
    assert whole("# a\n*b*\n\nc") == "\\# a\\\n\\*b\\*\n\nc"
    assert "as it is" in caplog.text
    assert Growing().markdown("*b*") == "\\*b\\* ▍"


def test_a_long_hostile_text_takes_no_time() -> None:
    began = time.thread_time()
    for part in (
        "[",
        "`",
        "$",
        "$a",
        "`a ",
        "\\[",
        "\\(",
        "![a](",
        "a",
        "> ",
        "$$ ",
        "$$a`b",
        "\\",
        "http://",
        "a@",
        "*a _b ",
        "|",
        "- ",
        "[a]: b\n",
    ):
        whole(part * (20_000 // len(part)) + "@")
    assert time.thread_time() - began < 10
