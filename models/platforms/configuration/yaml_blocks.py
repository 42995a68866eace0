"""Read YAML into blocks that know their lines. Keys and values are checked as they are taken; an unknown key is an error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

import yaml

from core.errors import InvalidInput

MAX_DEPTH = 12
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_NULL = "tag:yaml.org,2002:null"
_SAY = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class ConfigurationError(InvalidInput):
    """A line of the configuration cannot be used. Every template begins with `{file}, line {line}: `."""

    code = "invalid_configuration"

    def __init__(self, template: str, *, file: str, line: int, **params: object) -> None:
        super().__init__(template, file=file, line=line, **params)
        self.line = line


def read_blocks(text: str, file: str) -> Block | None:
    """Read a document whose top level is a block; None if it is empty. Raises ConfigurationError."""
    depth = 0
    try:
        # Parsed as events first: aliases could make a small file huge, and deep nesting could end the process.
        for event in yaml.parse(text, yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise ConfigurationError("{file}, line {line}: anchors and aliases are not supported. Write it out.", file=file, line=line)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise ConfigurationError("{file}, line {line}: this is nested too deeply.", file=file, line=line)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise ConfigurationError(
            "{file}, line {line}: this is not YAML ({problem}).",
            file=file, line=mark.line + 1 if mark else 1, problem=problem.problem or problem.context or "unreadable",
        ) from problem  # fmt: skip
    except yaml.YAMLError as problem:
        position = getattr(problem, "position", 0)
        raise ConfigurationError(
            "{file}, line {line}: a character here is not allowed in YAML.", file=file, line=text.count("\n", 0, position) + 1
        ) from problem
    return None if node is None or node.tag == _NULL else Block(node, file, "the file")


class Block:
    """Names and values under one heading. Take every value, then call `end()`, which refuses keys that were not taken."""

    def __init__(self, node: yaml.Node, file: str, name: str) -> None:
        self.line = node.start_mark.line + 1
        self._file = file
        if not isinstance(node, yaml.MappingNode):
            self._wrong(self.line, "{file}, line {line}: {key} must be lines of the form name: value.", key=name)
        self._nodes: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        for key, value in node.value:
            written = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            line = key.start_mark.line + 1
            if written in self._nodes:
                self._wrong(line, "{file}, line {line}: {key} is written twice.", key=written[:80])
            self._nodes[written], self._lines[written] = value, line
        self._taken: set[str] = set()

    def line_of(self, key: str) -> int:
        return self._lines.get(key, self.line)

    def has(self, key: str) -> bool:
        return key in self._nodes

    def keys(self) -> Iterable[str]:
        return self._nodes

    def text(self, key: str, *, required: bool = False) -> str:
        node = self._take(key)
        if node is None:
            if required:
                self._wrong(self.line, "{file}, line {line}: {key} is missing.", key=key)
            return ""
        return self._scalar(node, key)

    def number(self, key: str, default: float | None, low: float, high: float) -> float | None:
        node = self._take(key)
        if node is None:
            return default
        try:
            value = float(self._scalar(node, key)) if node.tag in _NUMBERS else None
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            self._wrong(
                node.start_mark.line + 1, "{file}, line {line}: {key} must be a number from {low} to {high}.",
                key=key, low=f"{low:g}", high=f"{high:,.12g}",
            )  # fmt: skip
        return value

    def whole(self, key: str, default: int | None, low: int, high: int) -> int | None:
        value = self.number(key, default, low, high)
        if value is not None and value != int(value):
            self._wrong(self.line_of(key), "{file}, line {line}: {key} must be a whole number.", key=key)
        return None if value is None else int(value)

    def flag(self, key: str) -> bool | None:
        node = self._take(key)
        if node is None:
            return None
        word = self._scalar(node, key).lower()
        if word not in _SAY:
            self._wrong(node.start_mark.line + 1, "{file}, line {line}: {key} must be true or false.", key=key)
        return _SAY[word]

    def words(self, key: str) -> list[tuple[int, str]]:
        """Return a list of texts, each with its line."""
        return [(one.start_mark.line + 1, self._scalar(one, key)) for one in self._list(key)]

    def block(self, key: str) -> Block | None:
        node = self._take(key)
        return None if node is None else Block(node, self._file, key)

    def mixed(self, key: str) -> list[tuple[int, str | Block]]:
        """Return a list of texts and blocks, each with its line."""
        return [
            (one.start_mark.line + 1, Block(one, self._file, key) if isinstance(one, yaml.MappingNode) else self._scalar(one, key))
            for one in self._list(key)
        ]

    def end(self) -> None:
        for key in self._nodes:
            if key not in self._taken:
                known = ", ".join(sorted(self._taken)) or "-"
                self._wrong(self._lines[key], "{file}, line {line}: {key} is unknown. Known are {known}.", key=key[:80], known=known)

    def wrong(self, at: str, template: str, **params: object) -> NoReturn:
        """Raise about the line of the key `at`."""
        self._wrong(self.line_of(at), template, **params)

    def _wrong(self, line: int, template: str, **params: object) -> NoReturn:
        raise ConfigurationError(template, file=self._file, line=line, **params)

    def _take(self, key: str) -> yaml.Node | None:
        self._taken.add(key)
        node = self._nodes.get(key)
        return None if node is None or node.tag == _NULL else node

    def _scalar(self, node: yaml.Node, key: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            self._wrong(node.start_mark.line + 1, "{file}, line {line}: {key} must be text.", key=key)
        return str(node.value).strip()

    def _list(self, key: str) -> list[yaml.Node]:
        node = self._take(key)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self._wrong(node.start_mark.line + 1, "{file}, line {line}: {key} must be a list.", key=key)
        return list(node.value)
