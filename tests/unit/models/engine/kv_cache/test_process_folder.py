from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.engine.kv_cache.process_folder import ProcessFolder

CHILD = """
import sys, time
from pathlib import Path
from models.engine.kv_cache.process_folder import ProcessFolder
folder = ProcessFolder(Path(sys.argv[1]))
(folder.path / "0.kv").write_bytes(b"x")
print(folder.path, flush=True)
time.sleep(60)
"""


@contextmanager
def another_process(parent: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run another process with its own folder, which holds a file."""
    with subprocess.Popen([sys.executable, "-c", CHILD, str(parent)], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child, Path(child.stdout.readline().strip())
        finally:
            child.kill()


def test_a_folder_is_its_owners_alone_and_goes_when_closed(tmp_path: Path) -> None:
    folder = ProcessFolder(tmp_path / "parked")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "0.kv").write_bytes(b"x")
    folder.close()
    assert list((tmp_path / "parked").iterdir()) == []


def test_what_a_killed_process_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    with another_process(tmp_path) as (child, left):
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert (left / "0.kv").exists()
        folder = ProcessFolder(tmp_path)
    assert list(tmp_path.iterdir()) == [folder.path]
    folder.close()


def test_the_folder_of_a_process_that_runs_is_left_alone(tmp_path: Path) -> None:
    with another_process(tmp_path) as (_, other):
        ProcessFolder(tmp_path).close()
        assert (other / "0.kv").exists()
