"""The repository contains no key, token or private key. Tests and documents may contain made-up ones."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHAPES = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----\s"
    r"|(?<![A-Za-z0-9])(?:AKIA[0-9A-Z]{16}|AIza[A-Za-z0-9_\-]{35}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60}"
    r"|glpat-[A-Za-z0-9_\-]{20}|hf_[A-Za-z0-9]{30}|xox[abprs]-[A-Za-z0-9-]{20}|sk-[A-Za-z0-9]{32}"
    r"|eyJ[A-Za-z0-9_\-]{20,}\.eyJ[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{20,})"
)
MADE_UP = ("tests/", "docs/")


def found_in(text: str) -> list[str]:
    return [match[0][:12] for match in SHAPES.finditer(text)]


def test_what_is_looked_for_is_found() -> None:
    made_up = ["AKIA" + "A" * 16, "ghp_" + "a" * 36, "-----BEGIN RSA " + "PRIVATE KEY-----\n", "sk-" + "a" * 40]
    assert all(found_in(f"key = {each}") for each in made_up)


def test_no_file_outside_tests_and_documents_holds_a_secret() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    found = {}
    for name in listed:
        path = ROOT / name
        if not name or name.startswith(MADE_UP) or not path.is_file() or path.stat().st_size > 3_000_000:
            continue
        if hits := found_in(path.read_text("utf-8", errors="ignore")):
            found[name] = hits
    assert found == {}
