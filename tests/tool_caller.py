"""A model that calls tools, which runs in the real engine, and a plugin with the tools that it calls."""

from __future__ import annotations

from pathlib import Path

from samples.gguf_maker import make_gguf
from tests.plugin_maker import install_module


def call_of(tool: str, name: str, value: str) -> str:
    """Return a call as the model writes it."""
    return f"<tool_call>{tool}\n<arg_key>{name}</arg_key>\n<arg_value>{value}</arg_value>\n</tool_call>"


SEARCH, BOOK, COUNT = call_of("search_chats", "words", "zebra contract"), call_of("book", "room", "Blue room"), call_of("count", "to", "9")
REPLY = "The zebra contract went to Meyer."
TEMPLATE = (
    "[gMASK]<sop>{% if tools %}<|system|>\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}{% endif %}{% for m in messages %}"
    "<|{{ 'observation' if m.role == 'tool' else m.role }}|>\n{{ m.content }}{% for call in m.tool_calls or [] %}<tool_call>"
    "{{ call.function.name }}{% for k, v in call.function.arguments.items() %}<arg_key>{{ k }}</arg_key><arg_value>{{ v }}</arg_value>"
    "{% endfor %}</tool_call>{% endfor %}{% endfor %}<|assistant|>{% set last = messages[-1] %}"
    "{{ '\n' if last.role == 'tool' else '!' if 'Book' in last.content else '?' if 'Count' in last.content else '' }}"
)
"""It ends in another character after the result of a tool and for each kind of question: the model knows only the last token."""
ROOMS = """
import time
from pathlib import Path
from core.plugins.hookspecs import Tool, hookimpl

def book(arguments, context):
    with Path(__file__).with_name("booked").open("a") as file:
        file.write(arguments["room"])
    return "Booked."

def count(arguments, context):
    Path(__file__).with_name("counting").touch()
    time.sleep(15)
    return "Nine."

def taking(name):
    return {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}

@hookimpl
def tools():
    return [
        Tool(name="book", title="Book a room", description="Book a room.", parameters=taking("room"), run=book),
        Tool(name="count", title="Count", description="Count up.", parameters=taking("to"), run=count, changes=False),
    ]
"""


def caller_model(folder: Path) -> Path:
    """Make a model that searches for a question, books for one with Book in it, counts for one with Count, and answers after a result."""
    end = "<|endoftext|>"
    script = {"<|assistant|>": SEARCH, SEARCH: end, "!": BOOK, BOOK: end, "?": COUNT, COUNT: end, "\n": REPLY, REPLY: end}
    return make_gguf(folder / "caller.gguf", context=8192, name="caller", template=TEMPLATE, forgetful=True, script=script)


def install_rooms(folder: Path) -> dict[str, str]:
    """Install the plugin `rooms`: book changes something, count takes long. Returns the settings of a portal that has it."""
    install_module(folder, "rooms", ROOMS)
    return {"PYTHONPATH": str(folder)}


def booked(folder: Path) -> str:
    """Return what was booked."""
    path = folder / "booked"
    return path.read_text("utf-8") if path.exists() else ""
