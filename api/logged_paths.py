"""Write the path of a request as it may be logged: its route with ids and numbers, but without names that people wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.types import Scope

UNKNOWN = "(unknown path)"
_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")
_ID = re.compile(r"(?:[a-z]{2,8}[-_])?[0-9a-f]{8,64}|\d{1,12}")
_INTERNAL = "/internal/"
_METHOD = re.compile(r"[a-z_]{1,40}")
"""What user servers call: names of the portal's own services and methods."""


class LoggedPaths:
    def __init__(self, templates: Iterable[str]) -> None:
        """templates: the paths of all routes. One without parameters goes before one with them."""
        self._patterns = {each: _pattern(each) for each in sorted(templates, key=lambda each: "{" in each)}

    def of(self, scope: Scope) -> str:
        """Return the path of a request for the log; UNKNOWN if no route has it, since anything may stand in it."""
        path = str(scope["path"]).rstrip("/") or "/"
        route = getattr(scope.get("route"), "path", None)
        # A request that was refused early, or passed on in a copy of its scope, has no route here.
        for template in [route] if route in self._patterns else self._patterns:
            if found := self._patterns[template].fullmatch(path):
                return _filled(template, found)
        return UNKNOWN


def _filled(template: str, sent: re.Match[str]) -> str:
    return _PARAMETER.sub(lambda found: _shown(template, found[1], sent[found[1]]), template)


def _pattern(template: str) -> re.Pattern[str]:
    """Return the pattern of a template's paths, with a group for each parameter."""
    written, last = "", 0
    for found in _PARAMETER.finditer(template):
        written += re.escape(template[last : found.start()]) + f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})"
        last = found.end()
    return re.compile(written + re.escape(template[last:]), re.DOTALL)


def _shown(template: str, name: str, value: str) -> str:
    is_id = (name == "number" or name.endswith("_id")) and _ID.fullmatch(value)
    return value if is_id or (template.startswith(_INTERNAL) and _METHOD.fullmatch(value)) else f"{{{name}}}"
