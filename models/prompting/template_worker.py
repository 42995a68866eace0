"""Render one chat template in a process that can be killed; run by `chat_template`, never imported by it. A template comes with the
model's file: it is an untrusted program. Jinja's sandbox keeps it from the machine, not from
endless loops or gigantic strings, so the process has little memory and, for every rendering, little time.

Protocol, one JSON object a line. First {"template", "cpu_s", "memory_bytes", "output_chars"}, then requests
{"messages", "enable_thinking", "tools"}; answers {"prompt"} or {"error"}.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **_rest: Any) -> str:
    """Write JSON as Hugging Face does: without HTML escapes, Chinese left readable."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def _bounded(pieces: Iterable[str], limit: int) -> str:
    collected: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > limit:
            raise TemplateError(f"it wrote more than {limit:,} characters")
        collected.append(piece)
    return "".join(collected)


def _limit_cpu(seconds: float) -> None:
    """Allow so much more processor time from now; the kernel ends the process when it is used up."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + seconds) + 1, hard))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = json.loads(sys.stdin.readline())
    resource.setrlimit(resource.RLIMIT_AS, (first["memory_bytes"], first["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    template = None
    for line in sys.stdin:
        _limit_cpu(first["cpu_s"])
        try:
            if template is None:
                template = _environment().from_string(first["template"])
            request = json.loads(line)
            pieces = template.generate(
                messages=request["messages"],
                enable_thinking=request["enable_thinking"],
                add_generation_prompt=True,
                tools=request.get("tools"),
            )
            answer = {"prompt": _bounded(pieces, first["output_chars"])}
        except MemoryError:
            answer = {"error": "it used too much memory"}
        except Exception as error:  # noqa: BLE001 - whatever a template does wrong becomes a sentence
            answer = {"error": str(error)[:500] or type(error).__name__}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
