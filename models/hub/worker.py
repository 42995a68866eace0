"""Run the hub process: read one task, carry it out, report progress and the result."""

from __future__ import annotations

import errno
import json
import os
import resource
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models.hub.lines import Failure, HubFailed, Task


def main() -> int:
    # Only our lines may reach the portal; what libraries print goes to the log.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    lock = threading.Lock()

    def say(line: Mapping[str, Any]) -> None:
        with lock:
            out.write(json.dumps(line) + "\n")
            out.flush()

    task = Task.read(sys.stdin.readline())
    threading.Thread(target=_end_with_the_portal, daemon=True).start()
    try:
        if task.hub == "modelscope":
            from models.hub import modelscope as hub
        else:
            from models.hub import hugging_face as hub  # type: ignore[no-redef]
        if task.file is None:
            say({"listing": hub.files(task.repository)})
        elif 0 <= resource.getrlimit(resource.RLIMIT_FSIZE)[0] < task.size_bytes:
            # Checked before: ModelScope's client would try again for ever.
            say({"failure": Failure.FILE_LIMIT, "reason": os.strerror(errno.EFBIG)})
            return 1
        else:
            say({"path": str(hub.download(task.repository, task.revision, task.file, task.size_bytes, Path(task.folder), say))})
        return 0
    except HubFailed as problem:
        say({"failure": _of_the_disk(problem) or problem.failure, "reason": str(problem)})
    except Exception as problem:  # noqa: BLE001 - said to the portal, which logs it and shows the reason
        say({"failure": _of_the_disk(problem) or Failure.OTHER, "reason": str(problem) or type(problem).__name__})
    return 1


def _of_the_disk(problem: BaseException) -> Failure | None:
    """Return the failure if the disk took no more; None for other causes."""
    numbers = {cause.errno for cause in _causes(problem) if isinstance(cause, OSError)}
    if errno.EFBIG in numbers:
        return Failure.FILE_LIMIT
    return Failure.DISK_FULL if numbers & {errno.ENOSPC, errno.EDQUOT} else None


def _causes(problem: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = problem
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _end_with_the_portal() -> None:
    """Exit when the portal ends for any reason: standard input is closed then."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
