"""Make hostile Markdown: known attacks, and documents that hypothesis combines from them and from all significant characters."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

# Hypothesis keeps notes, by default in the tree.
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "portal-hypothesis")

EVIL = "http://evil.test"

ATTACKS = (
    f"~~~ `\n```\n~~~\n![x]({EVIL}/1)\n```",
    f"$a\\$b$ `$ ![x]({EVIL}/2) $`",
    f"![a]({EVIL}/3.png)",
    f"![a]( <{EVIL}/4.png> 'title')",
    f"![a][r]\n\n[r]: {EVIL}/5.png",
    f"[![a]({EVIL}/6.png)]({EVIL}/7)",
    f"> ![a]({EVIL}/8.png)",
    f"- [x] ![a]({EVIL}/9.png)",
    f"| `a | ![x]({EVIL}/10.png) ` |\n|--|",
    f"| a |\n|--|\n| `\\| ![x]({EVIL}/11.png) \\|` |",
    f"$a ` $ ![x]({EVIL}/12.png) `",
    f"$$\n![x]({EVIL}/13.png)\n$$",
    f"$![x]({EVIL}/14.png)$",
    f"\\(![x]({EVIL}/15.png)\\)",
    f"\\`![x]({EVIL}/16.png)\\`",
    f"``` ![x]({EVIL}/17.png)",
    f"a\r![x]({EVIL}/18.png)\r\n`\r![x]({EVIL}/18.png)`",
    f"&excl;&lsqb;x]({EVIL}/19.png) &#33;[x]({EVIL}/20.png)",
    f"<img src={EVIL}/21.png>\n\n<script src={EVIL}/22.js></script>\n\n<iframe src={EVIL}/23></iframe>",
    f"<!-- \n![x]({EVIL}/24.png)\n-->",
    f'```mermaid\nflowchart TD\nA@{{ img: "{EVIL}/25.png", label: "x" }}\n```',
    f"```mermaid-x\nflowchart TD\nA[\"<img src='{EVIL}/26.png'>\"]\n```",
    f"```math\n\\includegraphics{{{EVIL}/27.png}}\n```\n$x$",
    f"$\\includegraphics{{{EVIL}/28.png}}$ $\\href{{{EVIL}/29}}{{x}}$ $\\htmlData{{a=b}}{{x}}$",
    f"[^1] text\n\n[^1]: ![x]({EVIL}/30.png)",
    ":red[System] :blue-background[The portal says] :green-badge[safe] :small[x] :help[x] :shimmer[x]",
    ':color[x]{foreground="red" background="blue"} ::leaf[x]{a=b}\n\n:::box\ntext\n:::',
    ":material/home: :material_home: :streamlit: :smile: :+1: :100: \\:smile\\: &colon;smile&colon;",
    "a -> b <- c <-> d -- e >= f <= g ~= h",
    f"HTTP://EVIL.TEST _www.evil.test 1{EVIL} www&period;evil.test mailto:me@evil.test me@evil.test xmpp:me@evil.test",
    "[a](javascript:alert(1)) [b](data:text/html,x) [c](/sign-out) [d](file:///etc/passwd) [e](ftp://evil.test) <mailto:me@evil.test>",
    f"[https://bank.example]({EVIL}/31) [a](https://good.example@evil.test) [b](https://good.example\\@evil.test/x)",
    f'[a]({EVIL} "title\\" onmouseover=alert(1)") [a]({EVIL}/%22onmouseover=alert(1)) [a](<{EVIL}/ x>)',
    f"**[a]({EVIL}**) *`*![x]({EVIL}/32)`* __a__b ~~a~b~~ ~c~",
    f"* a\n\n      ![x]({EVIL}/33)\n\n1) b\n- - - c\n\t![x]({EVIL}/34)",
    "> " * 60 + f"![x]({EVIL}/35)",
    "这是**“重要”**的，`代码`和$x$5。**加粗**。见https://evil.test/路径。",
    "$5 and $10, \\$x\\$, $$$, $ x $, $x$1, \\[x\\](y), \\[a\nb\\], \\(a\\) and $$a$$",
    "$\\rule{9999em}{9999em}$ $\\def\\a{\\a\\a}\\a$ $" + "{" * 99 + "}" * 99 + "$",
    "text\n- \n- a\n\n* b\n\n3. c\n3) d\n   ```\n   code\n   ```\n- [ ] open\n- [x] done",
    "| a | b |\n|:--|--:|\n| `x\\|y` | $\\|x\\|$ |\n| `a\\\\|b` | \\| |\n\ntext | text\n--|--\n| 1 | 2 | 3 |",
)

FRAGMENTS = (
    *(
        "a",
        "b",
        "Z",
        "10",
        "5",
        "1",
        "甲",
        "“",
        "”",
        "。",
        "é",
        "😀",
        "\u200b",
        "\u2060",
        "\xa0",
        "\x00",
        " ",
        "  ",
        "\t",
        "\n",
        "\n\n",
        "\r",
    ),
    *(
        "\n    ",
        "  \n",
        "\\\n",
        "*",
        "**",
        "***",
        "_",
        "__",
        "~",
        "~~",
        "`",
        "``",
        "```",
        "\n```\n",
        "```py\n",
        "```mermaid\n",
        "```math\n",
    ),
    *(
        "\n~~~\n",
        "~~~ `\n",
        "$",
        "$$",
        "\n$$\n",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\$",
        "\\`",
        "\\|",
        "[",
        "]",
        "](",
        "(",
        ")",
        "![",
        "[]",
        "<",
        ">",
    ),
    *(
        f"]({EVIL}/x)",
        f"![x]({EVIL}/y)",
        f"<{EVIL}/z>",
        f"{EVIL}/w",
        "www.evil.test",
        "HTTP://EVIL.TEST",
        "me@evil.test",
        "mailto:me@evil.test",
    ),
    *(
        "&amp;",
        "&#36;",
        "&#96;",
        "&period;",
        "&lt;",
        "&nbsp;",
        "&excl;",
        "&",
        "#",
        "# ",
        "\n## ",
        "- ",
        "\n- ",
        "\n* ",
        "\n1. ",
        "\n5) ",
        "\n  - ",
    ),
    *(
        "> ",
        "\n> ",
        "|",
        "\n|",
        "| a | b |\n|--|--|\n",
        "\n---\n",
        "\n===\n",
        ":",
        "::",
        ":::",
        ":red[",
        ":small[",
        ":smile:",
        ":material/home:",
    ),
    *(
        ":material_home:",
        ":streamlit:",
        "{",
        "}",
        '{foreground="red"}',
        " -> ",
        " -- ",
        "<-",
        ">= ",
        "x^2",
        "$x^2$",
        "\\frac{a}{b}",
        "+ ",
        "=",
        "^",
    ),
    *(
        f"[r]: {EVIL}/r\n",
        "[r]",
        "[^1]",
        "[^1]: note\n",
        "[x] ",
        "[ ] ",
        f"<img src={EVIL}/i>",
        "<b>",
        "</b>",
        "<!--",
        "-->",
        '"',
        "'",
        "!",
        ".",
        ",",
    ),
)

SIGNS = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=40).map("".join)
MIXED = st.lists(st.sampled_from(ATTACKS) | SIGNS | st.text(max_size=20), min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from(("", " ", "\n", "\n\n", "\n> ", "\n  ")).map(lambda between: between.join(parts))
)
DOCUMENTS = SIGNS | MIXED


def documents(count: int, first: int = 0) -> list[str]:
    """Return the known attacks, and as many generated documents. The same `first` gives the same ones."""
    made: list[str] = []

    @seed(first)
    @settings(max_examples=count, database=None, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
    @given(DOCUMENTS)
    def collect(document: str) -> None:
        made.append(document)

    collect()
    return [*ATTACKS, *made]
