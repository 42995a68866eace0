"""Read the settings once from the environment and one YAML file. An invalid setting stops the start with an error that names it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import yaml

from core.errors import StartFailed
from settings.checks import check
from settings.fields import PORTS, Settings, variable


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. The YAML file is PORTAL_CONFIG, else portal.yaml in the home if it exists. Raises StartFailed."""
    environment = os.environ if environment is None else environment
    known = {each.name: each for each in fields(Settings)}
    home = Path(environment.get("PORTAL_HOME") or str(known["home"].default)).expanduser().absolute()
    written = _read_file(environment.get("PORTAL_CONFIG"), home)
    written = {_written_name(name): value for name, value in written.items()}
    for name in written:
        if name not in known:
            raise StartFailed("The configuration file has an unknown setting {name}. docs/settings.md lists all of them.", name=name)
    environment = {_RENAMED.get(name, name): value for name, value in environment.items()}
    for name in environment:
        if name.startswith("PORTAL_") and name not in _ELSEWHERE and name.removeprefix("PORTAL_").lower() not in known:
            raise StartFailed("{name} is not a setting. docs/settings.md lists all of them.", name=name)
    values: dict[str, object] = {"home": home}
    for name, each in known.items():
        if name == "home":
            continue
        raw: object = environment.get(variable(name), written.get(name))
        if raw is not None and raw != "":
            values[name] = _typed(name, raw, each.default)
    if "port" not in values:
        values["port"] = PORTS.get(str(values.get("profile", "all")), known["port"].default)
    settings = Settings(**values)  # type: ignore[arg-type]
    check(settings)
    return settings


_RENAMED = {"PORTAL_PARKING_DISK_MB": "PORTAL_OFFLOAD_DISK_MB"}
"""Old names of settings, which are still read for one release."""


def _written_name(name: str) -> str:
    new = _RENAMED.get(variable(name))
    return new.removeprefix("PORTAL_").lower() if new else name


_ELSEWHERE = {"PORTAL_CONFIG", "PORTAL_PASSWORD", "PORTAL_BACKUP_KEY", "PORTAL_NEW_MASTER_KEY"}
"""Variables that are not settings: the configuration file, the password for `portal user add` and `passwd`, the passphrase of backups,
and the new key for `portal keys rewrap`.
"""


def _read_file(given: str | None, home: Path) -> dict[str, object]:
    path = Path(given).expanduser() if given else home / "portal.yaml"
    if not given and not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as problem:
        raise StartFailed("The configuration file {path} cannot be read: {problem}", path=path, problem=problem) from problem
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise StartFailed("The configuration file {path} must contain lines of the form name: value.", path=path)
    return {str(name): value for name, value in content.items()}


def _typed(name: str, raw: object, default: object) -> object:
    if isinstance(default, bool):
        word = str(raw).strip().lower()
        if word not in ("1", "0", "true", "false", "yes", "no", "on", "off"):
            raise StartFailed("{name} must be true or false, not {raw}.", name=variable(name), raw=raw)
        return word in ("1", "true", "yes", "on")
    if isinstance(default, int):
        try:
            return int(str(raw))
        except ValueError:
            raise StartFailed("{name} must be a whole number, not {raw}.", name=variable(name), raw=raw) from None
    return str(raw)
