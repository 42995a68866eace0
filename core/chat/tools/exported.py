"""Write the steps of an answer for exports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from core.characters import one_line
from core.chat.tools.records import ToolStep
from core.plugins.records import ChatStep

_TICKS = re.compile("`+")


def markdown_steps(steps: Sequence[ToolStep]) -> str:
    """Return the steps as a Markdown list, with arguments and results as code."""
    return "\n\n".join(
        "\n\n".join([f"- {one_line(_head(step))}", *(_indented(_fenced(each)) for each in (step.arguments, _outcome(step)) if each)])
        for step in steps
    )


def html_steps(steps: Sequence[ToolStep]) -> str:
    """Return the steps as HTML, folded."""
    return "".join(
        f"<details class='step'><summary>{escape(_head(step))}</summary>"
        + "".join(f"<pre>{escape(each)}</pre>" for each in (step.arguments, _outcome(step)) if each)
        + "</details>"
        for step in steps
    )


def json_steps(steps: Sequence[ToolStep]) -> list[dict[str, object]]:
    return [
        {
            "id": step.id, "name": step.name, "title": step.title, "arguments": step.arguments, "result": step.result, "cut": step.cut,
            "error": str(step.error) if step.error else None, "seconds": step.seconds, "round": step.round,
            "started_at": step.started_at.isoformat(),
        }
        for step in steps
    ]  # fmt: skip


def plugin_steps(steps: Sequence[ToolStep]) -> tuple[ChatStep, ...]:
    """Return the steps for the exporters of plugins."""
    return tuple(
        ChatStep(
            title=step.title, arguments=step.arguments, result=step.result, error=str(step.error) if step.error else "",
            seconds=step.seconds,
        )
        for step in steps
    )  # fmt: skip


def _head(step: ToolStep) -> str:
    time = f" · {step.seconds:.1f} s" if step.seconds is not None else ""
    return f"Tool: {step.title}{time}"


def _outcome(step: ToolStep) -> str:
    return f"Error: {step.error}" if step.error else step.result


def _fenced(text: str) -> str:
    """Return a text as a block of code that it cannot end itself."""
    longest = max((len(each) for each in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.split("\n"))
