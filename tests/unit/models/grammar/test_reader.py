from __future__ import annotations

import pytest

from core.errors import InvalidInput
from models.grammar.reader import check_grammar

GOOD = [
    'root ::= "a"',
    'root ::= "a" | "b"   # a comment\n\n# another\nunused ::= .',
    'root ::= (\n  "a"\n  | item\n)+\nitem ::= [^"\\\\\\n] "\\"" ["\\]-]*',
    'root ::= "\\x41\\u00e9\\U0001F600"{2,5} [0-9]{3} "z"{2,}',
    'root ::= "a" |\n "b"\n',
    'root ::=\n  "a"',
    'root ::= ""',
    'root ::= ( "(" [)] ){3}',
    'root ::= (("a"{100}){100}){100}',
    'root ::= ("(" ("a"?){1000}){1000}',
    'root ::= "a" {2} ( "b"\n  * ) [c] ?',
]
BAD = {
    "": "no rule named root",
    'start ::= "a"': "no rule named root",
    "root ::= missing": "the rule missing is not defined",
    'root = "a"': "::= is missing",
    'root ::= "a': "expected a closed quoted text",
    'root ::= "\\q"': "expected a closed quoted text",
    "root ::= [a": "expected a closed character set",
    'root ::= ("a"': "a closing bracket is missing",
    'root ::= "a")': "does not belong here",
    'root ::= "a"{3,1}': "fewer times than its least",
    'root ::= "a"{x}': "a repetition looks like",
    'root ::= "a"{99999}': "repeated more than 50000 times",
    'root ::= ("a"?){50000}': "too many continuations at once",
    'root ::= root "a"': "left-recursive",
    "root ::= " + "(" * 100 + '"a"' + ")" * 100: "nested more than 40 deep",
    'root ::= "a" ' * 9000: "more than 65536 characters",
    'root ::= "\0"': "not text",
    'root ::= "\ud800"': "not text",
    "root ::= <[5]>": "expected a rule",
    "*": "expected the name of a rule",
}


@pytest.mark.parametrize("text", GOOD)
def test_a_grammar_is_taken(text: str) -> None:
    assert check_grammar(text) == text


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:40]))
def test_a_bad_grammar_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidInput, match=BAD[text].replace("(", r"\(")):
        check_grammar(text)


def test_the_position_is_named() -> None:
    with pytest.raises(InvalidInput, match="on line 3 at '%%%'"):
        check_grammar('root ::= "a"\n\nother ::= %%%')
