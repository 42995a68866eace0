"""The GPU measurement from end to end, without a GPU: the small model on the processor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.engine import peers
from bench.portal_parts.portal import ROOT
from tests.this_machine import EXTRA_BUFFERS

pytestmark = pytest.mark.skipif(not EXTRA_BUFFERS, reason="this processor refuses what llama.cpp does with quantized weights")


def measured(folder: Path, *parts: str) -> list[list[str]]:
    """Return the table's rows, cell by cell."""
    out = folder / "table.md"
    arguments = ["--device", "cpu", "--shape", "small", "--repeats", "1", "--only", *parts, "--keep", str(folder), "--out", str(out)]
    command = [sys.executable, "-m", "bench.engine.engine_gpu", *arguments, "--chats", "8" if parts == ("python",) else "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = out.read_text("utf-8").splitlines()
    assert any(line.startswith("- device: ") and line.endswith("no GPU") for line in lines)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]


def number(cell: str) -> float:
    return float(cell.split()[0].replace(",", ""))


def test_pythons_share_of_a_step(tmp_path: Path) -> None:
    whole, outside, sampling = measured(tmp_path, "python")
    assert "8 chats" in whole[0] and number(whole[1]) > 0
    assert 0 < number(sampling[1]) < number(outside[1]) < 100


@pytest.mark.skipif(not peers.is_built(), reason="llama-server is not compiled: ./portal bench peers does it")
def test_beside_llama_server(tmp_path: Path) -> None:
    rate, share, scattered = measured(tmp_path, "speed", "bandwidth", "scattered")
    assert rate[0] == "tok/s, GLM-4-small, 1 chats" and rate[2] == "llama-server"
    assert number(rate[4]) == pytest.approx(number(rate[1]) / number(rate[3]), abs=0.01)
    assert scattered[0] == "tok/s, 8 of 64 chats, each time others" and number(scattered[1]) > 0
    assert "GB/s (copied)" in share[0] and number(share[1]) > 0 and number(share[3]) > 0
