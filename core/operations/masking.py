"""Mask secrets and personal data in every log line.

Secrets are recognized by their name (password=...), their position (Authorization: ...) or their shape (sk-..., a private key), and
personal data by its shape: e-mail addresses, telephone, card and identity numbers. In case of doubt, the text is masked. Every pattern is
bounded, and no text longer than MAX_LENGTH is searched, so that a hostile line costs only milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_LENGTH = 16_000
"""Most characters of a text that are kept: its beginning and its end, where a traceback has its cause."""
_BEGINNING = 4_000
MASK = "***"

_NAMES = (
    r"passwords?|passwd|passphrase|pwd|credentials?|secret|session[_-]?id|token|"
    r"(?:api|access|private|secret|master|signing|encryption|data)[ _-]?key"
)
_HEADERS = r"proxy-authorization|authorization|set-cookie|cookie|x-api-key|x-auth-token"
_VALUE = r"(?:\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'|[^\s,;&\"')}\]]{1,500})"
# No ASCII letter or digit may precede or follow a number; Chinese characters may.
_ALONE, _ENDS = r"(?<![A-Za-z0-9_.])", r"(?![A-Za-z0-9_])"

_Replacement = str | Callable[[re.Match[str]], str]


def _card(match: re.Match[str]) -> str:
    """Return MASK for a card number, and other numbers of that length unchanged, such as times in nanoseconds."""
    digits = [int(each) for each in match[0] if each.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return MASK if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else match[0]


_RULES: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    # Details that databases add to an error: rows that they could not write, and Elasticsearch's preview of a value.
    (re.compile(r"\[parameters: [^\n]{0,16000}"), f"[parameters: {MASK}]"),
    (re.compile(r"DETAIL:.*?(?=\n\[SQL|\n\nThe above|\n\nDuring|\Z)", re.DOTALL), f"DETAIL: {MASK}"),
    (re.compile(r"(Preview of field's value: ).*", re.DOTALL), rf"\1{MASK}"),
    (re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,16000}(?:-----END [A-Z ]{0,30}-----)?"), MASK),
    (re.compile(r"://[^\s/\"']{1,300}@"), f"://{MASK}@"),
    (re.compile(rf"(?i)\b({_HEADERS})(\W{{0,3}}[:=]\s{{0,3}}[\"']?)[^\r\n\"']{{1,4000}}"), rf"\1\2{MASK}"),
    (re.compile(r"(?i)\b(bearer|apikey)\s{1,3}[A-Za-z0-9._~+/=-]{6,4000}"), rf"\1 {MASK}"),
    (re.compile(r"\b([Bb]asic)\s{1,3}(?=[A-Za-z]{0,60}[0-9+/=]|[a-z]{1,60}[A-Z]|[A-Z]{2})[A-Za-z0-9+/=]{6,2000}"), rf"\1 {MASK}"),
    (re.compile(rf"(?i)({_NAMES})([\"']?(?:\s{{0,3}}[:=：＝]\s{{0,3}}|\s{{1,3}}is\s{{1,3}})){_VALUE}"), rf"\1\2{MASK}"),
    (re.compile(r"(密码|口令|密钥|令牌|验证码)(\s{0,2}(?:是|为|[:=：＝])\s{0,2})[^\s，。；、,;]{1,200}"), rf"\1\2{MASK}"),
    (re.compile(r"\beyJ[\w-]{5,4000}\.[\w-]{5,4000}(?:\.[\w-]{0,4000})?"), MASK),
    (re.compile(r"\b(?:sk|pk|rk|hf|ghp|gho|ghs|glpat|github_pat|xox[abprs])[-_][A-Za-z0-9_-]{10,300}"), MASK),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), MASK),
    # 32 bytes in base64: a master key.
    (re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{43}=(?![\w=])"), MASK),
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[^\W_][\w-]{0,62}\.){1,8}[^\W\d_]{2,24}"), MASK),
    # Identity numbers: Chinese resident identity, US social security, IBAN.
    (re.compile(rf"{_ALONE}[1-9]\d{{5}}(?:18|19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}[\dXx]{_ENDS}"), MASK),
    (re.compile(rf"{_ALONE}(?<!-)\d{{3}}-\d{{2}}-\d{{4}}(?!-){_ENDS}"), MASK),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"), MASK),
    (re.compile(rf"{_ALONE}(?<!-)[2-6](?:[ -]?\d){{12,18}}{_ENDS}"), _card),
    # Telephone numbers: with country code, Chinese mobile and landline, North American.
    (re.compile(rf"{_ALONE}\+\d{{1,3}}[ -]?(?:\(\d{{1,4}}\)[ -]?)?\d(?:[ -]?\d){{5,12}}{_ENDS}"), MASK),
    (re.compile(rf"{_ALONE}(?:86[ -]?)?1[3-9]\d(?:[ -]?\d{{4}}){{2}}{_ENDS}"), MASK),
    (re.compile(rf"{_ALONE}(?<!-)(?:0\d{{2,3}}-|\(0\d{{2,3}}\) ?)\d{{7,8}}{_ENDS}"), MASK),
    (re.compile(rf"{_ALONE}(?<!-)(?:\(\d{{3}}\) ?|\d{{3}}[-.])\d{{3}}[-.]\d{{4}}{_ENDS}"), MASK),
)


def mask(text: str) -> str:
    """Return the text with secrets and personal data masked, about MAX_LENGTH characters at most, encodable as UTF-8."""
    text = _shorten(text).encode("utf-8", "backslashreplace").decode("utf-8")
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _shorten(text: str) -> str:
    """Cut a text between lines if possible, so that no part of a secret remains without its name."""
    if len(text) <= MAX_LENGTH:
        return text
    beginning, end = text[:_BEGINNING], text[_BEGINNING - MAX_LENGTH :]
    beginning, end = beginning.rpartition("\n")[0] or beginning.rpartition(" ")[0], end.partition("\n")[2]
    return f"{beginning}\n... {len(text) - len(beginning) - len(end)} characters left out ...\n{end}"
