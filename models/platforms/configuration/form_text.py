"""Change single platforms and routes in the text of the configuration, and leave the rest unchanged.

Comments stay, except those within a value that changes, and within a platform that was written in one line and changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from core.errors import InvalidInput
from core.platforms.records import LOCAL, PlatformForm
from models.platforms.configuration.yaml_blocks import read_blocks

_KINDS = ("llm", "embedding", "rerank")
_LIMITS = ("concurrent", "requests_per_minute", "timeout_s")


class YamlFormText:
    """Fulfils core's FormText."""

    def __init__(self, file: str) -> None:
        """file: its name, for errors."""
        self._file = file

    def platforms(self, text: str) -> Sequence[PlatformForm]:
        found = (_form_of(_value(item)) for item in _items(_node(self._top(text), "platforms")))
        return [each for each in found if each is not None and each.name != LOCAL]

    def routes(self, text: str) -> dict[str, tuple[str, ...] | None]:
        routes = _value(_node(self._top(text), "routes")) or {}
        steps = {str(task): each if isinstance(each, list) else [] for task, each in routes.items()} if isinstance(routes, dict) else {}
        return {task: tuple(each) if all(isinstance(one, str) for one in each) else None for task, each in steps.items()}

    def put_platform(self, text: str, old: str | None, form: PlatformForm) -> str:
        item = self._item(text, old)
        if item is None:
            return self._added(text, _written(_keys(form, {})))
        before = _value(item)
        keys = _keys(form, before)
        if item.flow_style:
            return text[: item.start_mark.index] + _indented(_written(keys), item.start_mark.column) + text[item.end_mark.index :]
        for name in [*dict.fromkeys([*before, *keys])]:
            if keys.get(name) != before.get(name):
                item = self._item(text, old)
                assert item is not None
                text = _with_key(text, item, name, keys.get(name))
                old = form.name if name == "name" else old
        return text

    def remove_platform(self, text: str, name: str) -> str:
        item = self._item(text, name)
        if item is None:
            return text
        items = _items(_node(self._top(text), "platforms"))
        if len(items) == 1:
            return self._without(text, "platforms")
        start = text.rfind("-", 0, item.start_mark.index)
        return text[: _line_start(text, start)] + text[_line_end(text, _end(item)) :]

    def put_route(self, text: str, task: str, steps: Sequence[str]) -> str:
        routes = _node(self._top(text), "routes")
        if not isinstance(routes, yaml.MappingNode) or not routes.value:
            text = self._without(text, "routes") if routes is not None else text
            return text if not steps else f"{_ended(text)}routes:\n  {_scalar(task)}: {_flow(list(steps))}\n"
        if not steps and [_value(key) for key, _ in routes.value] == [task]:
            return self._without(text, "routes")
        return _with_key(text, routes, task, list(steps) or None)

    def _top(self, text: str) -> yaml.MappingNode:
        """Raise InvalidInput for text that is not a configuration."""
        read_blocks(text, self._file)
        node = yaml.compose(text, yaml.SafeLoader)
        return node if isinstance(node, yaml.MappingNode) else yaml.MappingNode("tag:yaml.org,2002:map", [])

    def _item(self, text: str, name: str | None) -> yaml.MappingNode | None:
        items = _items(_node(self._top(text), "platforms"))
        return next((each for each in items if (_value(each) or {}).get("name") == name), None) if name is not None else None

    def _added(self, text: str, block: str) -> str:
        node = _node(self._top(text), "platforms")
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            text = self._without(text, "platforms") if node is not None else text
            return f"platforms:\n  - {_indented(block, 4)}\n{text}"
        if node.flow_style:
            raise InvalidInput("The platforms are written in one line. Add one under Text.")
        offset = _line_end(text, _end(node))
        column = node.start_mark.column
        head = text[:offset] if text[:offset].endswith("\n") else text[:offset] + "\n"
        return f"{head}{' ' * column}- {_indented(block, column + 2)}\n{text[offset:]}"

    def _without(self, text: str, key: str) -> str:
        return _with_key(text, self._top(text), key, None)


def _form_of(item: Any) -> PlatformForm | None:
    if not isinstance(item, dict):
        return None
    models, limits = item.get("models") or {}, item.get("limits") or {}
    listed = {kind: models.get(kind) or [] for kind in _KINDS}
    simple = all(isinstance(each, list) and all(isinstance(one, str) for one in each) for each in listed.values())
    return PlatformForm(
        name=str(item.get("name", "")),
        type=str(item.get("type", "")),
        base_url=str(item.get("base_url", "")),
        api_key=str(item.get("api_key", "")),
        models={kind: tuple(each) for kind, each in listed.items()} if simple else None,
        limits={key: limits[key] for key in _LIMITS if key in limits},
        enabled=item.get("enabled") is not False,
    )


def _keys(form: PlatformForm, before: dict[str, Any]) -> dict[str, Any]:
    """Return all keys of a platform after the form; keys that the form does not show stay."""
    keys = {**before, "name": form.name, "type": form.type, "base_url": form.base_url, "api_key": form.api_key or None}
    if form.models is not None:
        others = {key: each for key, each in (before.get("models") or {}).items() if key not in _KINDS}
        keys["models"] = others | {kind: list(form.models[kind]) for kind in _KINDS if form.models.get(kind)} or None
    hidden = {key: each for key, each in (before.get("limits") or {}).items() if key not in _LIMITS}
    keys["limits"] = hidden | {key: form.limits[key] for key in _LIMITS if form.limits.get(key) is not None} or None
    keys["enabled"] = before.get("enabled") if (before.get("enabled") is not False) == form.enabled else None if form.enabled else False
    return {key: each for key, each in keys.items() if each is not None}


def _written(keys: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {_flow(each)}" for name, each in keys.items())


def _with_key(text: str, block: yaml.MappingNode, name: str, value: Any) -> str:
    """Set a key of a block, or remove it."""
    pair = next((each for each in block.value if _value(each[0]) == name), None)
    if pair is None:
        if block.flow_style:
            offset = block.end_mark.index - 1
            return f"{text[:offset]}{', ' if block.value else ''}{_scalar(name)}: {_flow(value)}{text[offset:]}"
        column = block.start_mark.column
        offset = _line_end(text, _end(block))
        head = text[:offset] if text[:offset].endswith("\n") else text[:offset] + "\n"
        return f"{head}{' ' * column}{_scalar(name)}: {_flow(value)}\n{text[offset:]}"
    key, old = pair
    if value is not None:
        return f"{text[: key.end_mark.index]}: {_flow(value)}{text[_end(old) :]}"
    if block.flow_style:
        rest = {_value(each): _value(one) for each, one in block.value if each is not key}
        return text[: block.start_mark.index] + _flow(rest) + text[block.end_mark.index :]
    if key.start_mark.index == block.start_mark.index and len(block.value) > 1 and text[: key.start_mark.index].rstrip(" ").endswith("-"):
        return text[: key.start_mark.index] + text[block.value[1][0].start_mark.index :]
    return text[: _line_start(text, key.start_mark.index)] + text[_line_end(text, _end(old)) :]


def _node(top: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((each for name, each in top.value if _value(name) == key), None)


def _items(node: yaml.Node | None) -> list[yaml.MappingNode]:
    return [each for each in node.value if isinstance(each, yaml.MappingNode)] if isinstance(node, yaml.SequenceNode) else []


def _value(node: yaml.Node | None) -> Any:
    return None if node is None else yaml.SafeLoader("").construct_object(node, deep=True)


def _end(node: yaml.Node) -> int:
    """Return where a value ends; a block of YAML ends before the comments that follow it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False).removesuffix("\n...\n").strip()


def _scalar(name: str) -> str:
    return _flow(name)


def _indented(block: str, column: int) -> str:
    return block.replace("\n", "\n" + " " * column)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _line_end(text: str, offset: int) -> int:
    """Return where the next line begins."""
    found = text.find("\n", offset)
    return len(text) if found < 0 else found + 1
