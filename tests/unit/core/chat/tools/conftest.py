"""Chats whose model may call the tools of a plugin that the tests write."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from core.chat.tools.chat_tools import ChatTools
from core.chat.turns import Turns
from core.errors import PortalError
from core.inference.gateway import Gateway
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished, GenerationEvent, ToolCall
from core.people.records import User
from core.plugins.hookspecs import GROUP
from core.plugins.loading import Installed
from core.plugins.service import Plugins
from core.search.search import Search
from core.unit_of_work import UnitOfWorkFactory
from data.plugins.json_schemas import JsonSchemas
from data.plugins.process import WorkerPluginProcess
from samples.fakes import FakeRouter
from tests.unit.core.conftest import MovingClock, NoIndex, review_names

DESK = """
import threading
from core.plugins.hookspecs import PluginRefusal, Tool, hookimpl

gate, began = threading.Event(), threading.Event()
seen, booked = [], []

def book(arguments, context):
    booked.append(arguments["a"])
    return "Booked."

def add(arguments, context):
    seen.append((arguments, context.person.id, context.conversation_id))
    return str(arguments["a"] + arguments["b"])

def refuse(arguments, context):
    raise PluginRefusal("The desk is closed.")

def fail(arguments, context):
    raise ValueError("secret insides")

def wait(arguments, context):
    began.set()
    gate.wait(60)
    return "late"

def long(arguments, context):
    return "word " * 50_000

def mail(arguments, context):
    return "Write to ann@example.org"

def turn_away(arguments, context):
    raise PluginRefusal("Ask ann@example.org.")

def phones(arguments, context):
    return "13800138000 " * 2_000

NUMBER = {"type": "integer"}
PAIR = {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a", "b"], "additionalProperties": False}

@hookimpl
def tools():
    return [
        Tool(name="add", title="Add", description="Add two numbers.", parameters=PAIR, run=add, changes=False),
        *(
            Tool(name=each.__name__, title=each.__name__.title(), description=f"It may {each.__name__}.", run=each, changes=False)
            for each in (refuse, fail, wait, long, mail, turn_away, phones)
        ),
        Tool(name="book", title="Book a room", description="Book one.", parameters={"type": "object", "required": ["a"]}, run=book),
    ]
"""
Events = list[GenerationEvent | PortalError]


def calls(*names: str, text: str = "", tokens: int = 4, **arguments: object) -> Events:
    """Return the events of a model that calls tools with these arguments."""
    made = tuple(ToolCall(f"call-{place}-{name}", name, json.dumps(arguments)) for place, name in enumerate(names))
    begun: Events = [Delta(text, tokens=1)] if text else []
    return [*begun, Delta(tokens=tokens, tool_calls=made), Finished(FinishReason.STOP, Usage(9, tokens), Timings(0.0, 0.1, 0.2))]


@pytest.fixture
def plugins(
    tmp_path: Path, unit_of_work: UnitOfWorkFactory, clock: MovingClock, admin: User, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Plugins]:
    (tmp_path / "plugin_desk.py").write_text(DESK, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    service = Plugins(
        unit_of_work, clock, WorkerPluginProcess(), JsonSchemas(), [Installed(name="desk", entry=EntryPoint("desk", "plugin_desk", GROUP))]
    )  # fmt: skip
    service.change(admin, "desk", everyone=True)
    yield service
    sys.modules.pop("plugin_desk", None)


@pytest.fixture
def gateway(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock, plugins: Plugins) -> Gateway:
    return Gateway(unit_of_work, router, clock, filters=plugins)


@pytest.fixture
def chat_tools(unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock, plugins: Plugins) -> ChatTools:
    search = Search(unit_of_work, NoIndex(), NoIndex(), clock, review_names(unit_of_work, clock))  # type: ignore[arg-type]
    return ChatTools(unit_of_work, gateway, plugins, clock, search)


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock, chat_tools: ChatTools) -> Iterator[Turns]:
    service = Turns(unit_of_work, gateway, clock, 32_000, 1_000_000, tools=chat_tools)
    yield service
    service.close()


Desk = Callable[[str], object]


@pytest.fixture
def desk(plugins: Plugins) -> Desk:
    """Return what the module of the plugin holds under a name."""
    return lambda name: getattr(sys.modules["plugin_desk"], name)
