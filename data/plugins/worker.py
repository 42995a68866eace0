"""Run one function of one plugin in a separate process that can be killed. `process` runs it and never imports it.

An admin chose the plugin's code, but the data it reads is untrusted. So the process has little memory and time, and cannot write files or
start other processes.

Protocol: the input on stdin; one argument, {"path", "entry", "hook", "name", "file", "cpu_s", "memory_bytes"}. For exporters the input is a
JSON list of chats, and the output each file, preceded by its length in 8 bytes. For file_readers the input is the file, and the output the
text. The output follows "+"; "?" precedes the sentence of a refusal, "!" the failure, for admins.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import datetime
from importlib.metadata import EntryPoint
from typing import Any


def _answer(asked: dict[str, Any], content: bytes) -> bytes:
    from core.plugins.hookspecs import GROUP, PluginRefusal
    from core.plugins.loading import Installed, load
    from data.plugins.json_schemas import JsonSchemas

    try:
        loaded = load(Installed(name="worked", entry=EntryPoint("worked", asked["entry"], GROUP)), JsonSchemas())
        if asked["hook"] == "exporters":
            write = next(each.write for each in loaded.exporters if each.name == asked["name"])
            made = [_bytes(write(_chat(chat))) for chat in json.loads(content)]
            return b"+" + b"".join(len(each).to_bytes(8, "big") + each for each in made)
        read = next(each.read for each in loaded.readers if each.name == asked["name"])
        text = read(asked["file"], content)
        if not isinstance(text, str):
            raise TypeError(f"a reader must return a text, not {type(text).__name__}")
        return b"+" + text.encode("utf-8", "replace")
    except PluginRefusal as refused:
        return b"?" + str(refused).encode("utf-8", "replace")
    except Exception as problem:  # noqa: BLE001 - whatever a plugin raises, admins see it
        return b"!" + f"{type(problem).__name__}: {problem}".encode("utf-8", "replace")


def _bytes(made: object) -> bytes:
    if not isinstance(made, bytes | bytearray):
        raise TypeError(f"an exporter must return bytes, not {type(made).__name__}")
    return bytes(made)


def _chat(data: dict[str, Any]) -> Any:
    from core.plugins.records import Chat, ChatMessage, ChatStep

    messages = tuple(
        ChatMessage(
            **{**each, "created_at": datetime.fromisoformat(each["created_at"]), "files": tuple(each["files"]), "steps": steps}
        )
        for each in data["messages"]
        for steps in [tuple(ChatStep(**step) for step in each["steps"])]
    )
    return Chat(title=data["title"], updated_at=datetime.fromisoformat(data["updated_at"]), messages=messages)


def main() -> None:
    asked = json.loads(sys.argv[1])
    for kind, most in {
        resource.RLIMIT_AS: asked["memory_bytes"],
        resource.RLIMIT_CPU: asked["cpu_s"],
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
    }.items():
        resource.setrlimit(kind, (most, most))
    sys.path[:] = asked["path"]
    sys.dont_write_bytecode = True
    output, sys.stdout = sys.stdout.buffer, sys.stderr  # Output that a plugin prints is not an answer.
    output.write(_answer(asked, sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
