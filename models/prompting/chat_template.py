"""Render a conversation as the model was trained to read it, with the chat template in the model's file."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import InvalidInput, ModelFailed, Unavailable
from core.inference.requests import ChatMessage, ChatRole, Tool
from models.plain_words import plain_reason

CPU_S = 2.0
WALL_S = 10.0
"""Longer than CPU_S, for a busy machine."""
MEMORY_BYTES = 512 * 1024 * 1024
OUTPUT_CHARS = 8_000_000
MAX_NESTED = 100
_HALF = re.compile("[\ud800-\udfff]")
_BRACKETS = re.compile(r"[\[\]{}]")
_WORKER = Path(__file__).with_name("template_worker.py")
_OPEN, _CLOSE = "<think>", "</think>"
# Some template files lack one. This is the oldest form that GLM-4 and later understand.
_PLAIN = "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>{{ m.metadata }}\n{{ m.content }}{% endfor %}{{ '<|assistant|>\n' }}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """text: what the model reads. inside_thinking: it ends within `<think>`, so the answer begins with thoughts."""

    text: str
    inside_thinking: bool


class ChatTemplate:
    """Renders in a separate process, started with the first rendering and kept; safe from any thread. A rendering that takes too much
    time or memory is killed and reported; the next starts a new process.
    """

    def __init__(self, source: str | None, model: str, *, cpu_s: float = CPU_S, wall_s: float = WALL_S) -> None:
        self.source = source or _PLAIN
        self._model = model
        self._cpu_s, self._wall_s = cpu_s, wall_s
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._closed = False
        self._lock = threading.Lock()

    def check(self) -> None:
        """Render a short conversation both ways. Raises InvalidInput if the template cannot."""
        talk = [
            ChatMessage(ChatRole.USER, "a"),
            ChatMessage(role=ChatRole.ASSISTANT, content="b", reasoning="c"),
            ChatMessage(ChatRole.USER, "d"),
        ]
        for thinking in (True, False):
            self.render(talk, thinking=thinking)

    def render(self, messages: Sequence[ChatMessage], *, thinking: bool, tools: Sequence[Tool] = ()) -> Prompt:
        """Render a prompt. Raises InvalidInput with the template's message, or if it took too much; ModelFailed if no process can start."""
        if tools and "tools" not in self.source:
            messages = [_tool_message(tools), *messages]
        write = _plain if "tool_calls" in self.source else _older
        request: dict[str, object] = {"messages": [one for each in messages for one in write(each)], "enable_thinking": thinking}
        if tools:
            request["tools"] = [_described(tool) for tool in tools]
        answer = self._ask(request)
        if "error" in answer:
            raise InvalidInput(
                "The chat template of {model} cannot render this conversation: {reason}.",
                model=self._model,
                reason=plain_reason(answer["error"]).rstrip(".") or "no reason given",
            )
        text = answer["prompt"]
        if not text.strip():
            raise InvalidInput("The chat template of {model} renders nothing for this conversation.", model=self._model)
        if _HALF.search(text):
            raise InvalidInput("The chat template of {model} renders an unpaired surrogate, which no model can read.", model=self._model)
        inside = text.rstrip().endswith(_OPEN)
        if inside and not thinking:
            # Templates without a switch (Z1) always open the tag: close it at once, so that the model does not think.
            return Prompt(text.rstrip() + "\n" + _CLOSE + "\n", inside_thinking=False)
        return Prompt(text, inside)

    @property
    def pid(self) -> int | None:
        """Return the process id of the renderer; None if none runs."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """End the process. A rendering after this raises Unavailable."""
        with self._lock:
            self._closed = True
            self._stop()

    def _ask(self, request: dict[str, object]) -> dict[str, str]:
        with self._lock:
            if self._closed:
                raise Unavailable("The model {name} is being unloaded.", name=self._model)
            try:
                process = self._process or self._start()
                self._send(process, request)
                line = self._receive(process)
            except OSError:
                line = None
            if line is None:
                self._stop()
                raise InvalidInput(
                    "The chat template of {model} took more than {seconds} s or {megabytes} MB and was stopped.",
                    model=self._model,
                    seconds=self._cpu_s,
                    megabytes=MEMORY_BYTES // 1024 // 1024,
                )
            answer: dict[str, str] = json.loads(line)
            return answer

    def _start(self) -> subprocess.Popen[bytes]:
        # Isolated, and without the portal's environment, which may hold secrets.
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
                bufsize=0,
            )
        except OSError as error:
            raise ModelFailed("The chat template's process could not start: {reason}.", reason=error.strerror or str(error)) from error
        self._process, self._unread = process, b""
        limits = {"cpu_s": self._cpu_s, "memory_bytes": MEMORY_BYTES, "output_chars": OUTPUT_CHARS}
        self._send(process, {"template": self.source, **limits})
        return process

    def _send(self, process: subprocess.Popen[bytes], message: dict[str, object]) -> None:
        assert process.stdin is not None
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            data = data[process.stdin.write(data) :]

    def _receive(self, process: subprocess.Popen[bytes]) -> bytes | None:
        """Read one line; None if the process ended or took too long."""
        assert process.stdout is not None
        deadline = time.monotonic() + self._wall_s
        chunks = [self._unread]
        # poll, for select refuses file numbers above 1,023, which a busy portal reaches.
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        while b"\n" not in chunks[-1]:
            ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            chunk = process.stdout.read(1 << 20) if ready else b""
            if not chunk:
                return None
            chunks.append(chunk)
        line, _, self._unread = b"".join(chunks).partition(b"\n")
        return line

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _plain(message: ChatMessage) -> list[dict[str, object]]:
    plain: dict[str, object] = {"role": message.role, "content": message.content}
    if message.reasoning:
        plain["reasoning_content"] = message.reasoning
    if message.tool_calls:
        plain["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _object(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        plain["tool_call_id"] = message.tool_call_id
    return [plain]


def _older(message: ChatMessage) -> list[dict[str, object]]:
    """Write tool calls for templates up to 0414: a call is a message with the tool's name as metadata, its result an observation."""
    if message.role == ChatRole.TOOL:
        return [{"role": "observation", "content": message.content}]
    calls: list[dict[str, object]] = [
        {"role": "assistant", "metadata": call.name, "content": call.arguments} for call in message.tool_calls
    ]
    said = message.content or message.reasoning or not calls
    return [*(_plain(replace(message, tool_calls=())) if said else ()), *calls]


def _tool_message(tools: Sequence[Tool]) -> ChatMessage:
    """Describe tools in words for templates that have no place for them, in the format in which calls are read."""
    listed = "\n".join(json.dumps(_described(tool)["function"], ensure_ascii=False) for tool in tools)
    how = "To call one, answer with its name on a line of its own and then its arguments as a JSON object."
    return ChatMessage(ChatRole.SYSTEM, f"# Tools\n\nYou can call these functions:\n{listed}\n\n{how}")


def _described(tool: Tool) -> dict[str, object]:
    function = {"name": tool.name, "description": tool.description, "parameters": _json(tool.parameters)}
    return {"type": "function", "function": function}


def _object(arguments: str) -> object:
    """Return the arguments of a call as an object, which templates expect: anything else, as of a call that was cut, is put into one."""
    value = _json(arguments)
    return value if isinstance(value, dict) else {"arguments": arguments}


def _json(text: str) -> object:
    """Parse arguments as an object, as templates read them; anything else, or too deep nesting, stays text."""
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_NESTED:
            return text
    try:
        return json.loads(text)
    except ValueError:
        return text
