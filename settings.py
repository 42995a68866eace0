"""Settings: read once from the environment and one YAML file, typed, frozen; a wrong one stops the start and names itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import yaml

from core.errors import StartFailed


def _setting(default: object, what: str) -> object:
    """A field with its description; docs/settings.md is tested against these."""
    return field(default=default, metadata={"what": what})


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is read from PORTAL_<NAME>, else from <name> in the YAML file, else its default."""

    home: Path = _setting(Path("~/.local/share/glm-portal"), "The folder for everything written at run time.")  # type: ignore[assignment]
    host: str = _setting("127.0.0.1", "The address to listen on.")  # type: ignore[assignment]
    port: int = _setting(8501, "The port to listen on.")  # type: ignore[assignment]
    database_url: str = _setting("", "A PostgreSQL URL (postgresql://user:password@host/name). Empty: SQLite under the home.")  # type: ignore[assignment]
    elasticsearch_url: str = _setting("", "An Elasticsearch 9 URL. Empty: the embedded full-text index under the home.")  # type: ignore[assignment]
    elasticsearch_api_key: str = _setting("", "The API key for Elasticsearch.")  # type: ignore[assignment]
    elasticsearch_ca: str = _setting("", "A CA file that signed the certificate of Elasticsearch.")  # type: ignore[assignment]
    admin_password: str = _setting("", "The first admin's password at the first start. Empty: one is generated and printed once.")  # type: ignore[assignment]
    model: str = _setting("", "The GGUF to load at the start. Empty: the built-in guide.")  # type: ignore[assignment]
    models_folder: str = _setting("", "The folder with GGUF files. Empty: models under the home.")  # type: ignore[assignment]
    context: int = _setting(0, "Tokens one conversation can hold in the model loaded at the start. 0: chosen from file and memory.")  # type: ignore[assignment]
    slots: int = _setting(0, "Answers at the same time of the model loaded at the start. 0: chosen from file and memory.")  # type: ignore[assignment]
    gpu_layers: int = _setting(-1, "Layers on the GPU where there is one; -1: all that fit.")  # type: ignore[assignment]
    kv_type: str = _setting("f16", "Precision of the context: f16, q8_0 or q4_0.")  # type: ignore[assignment]
    threads: int = _setting(0, "CPU threads of the model loaded at the start. 0: chosen from the machine.")  # type: ignore[assignment]
    max_question_chars: int = _setting(32_000, "The longest question, in characters.")  # type: ignore[assignment]
    session_hours: int = _setting(12, "Hours until a person must sign in again.")  # type: ignore[assignment]
    secure_cookie: bool = _setting(False, "Send the session cookie over HTTPS only; switch on behind TLS.")  # type: ignore[assignment]
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")  # type: ignore[assignment]

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'portal.db'}"

    @property
    def embedded(self) -> bool:
        """Whether this process alone uses the store."""
        return self.database.startswith("sqlite")

    @property
    def models_path(self) -> Path:
        return Path(self.models_folder).expanduser() if self.models_folder else self.home / "models"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"PORTAL_{name.upper()}"


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. The YAML file is PORTAL_CONFIG, else portal.yaml in the home if there. Raises StartFailed."""
    environment = os.environ if environment is None else environment
    known = {each.name: each for each in fields(Settings)}
    home = Path(environment.get("PORTAL_HOME") or str(known["home"].default)).expanduser().absolute()
    written = _read_file(environment.get("PORTAL_CONFIG"), home)
    for name in written:
        if name not in known:
            raise StartFailed("The configuration file has an unknown setting {name}. docs/settings.md lists all of them.", name=name)
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
    settings = Settings(**values)  # type: ignore[arg-type]
    _check(settings)
    return settings


_ELSEWHERE = {"PORTAL_CONFIG", "PORTAL_PASSWORD"}
"""Read by others: which file to read, and the password that `portal user add` and `passwd` set."""


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
        raise StartFailed("The configuration file {path} must hold lines of the form name: value.", path=path)
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


def _check(settings: Settings) -> None:
    ranges = {
        "port": (1, 65535),
        "context": (0, 4_194_304),
        "slots": (0, 256),
        "gpu_layers": (-1, 10_000),
        "threads": (0, 1024),
        "max_question_chars": (100, 1_000_000),
        "session_hours": (1, 24 * 365),
    }
    for name, (low, high) in ranges.items():
        if not low <= getattr(settings, name) <= high:
            raise StartFailed("{name} must lie between {low} and {high}.", name=variable(name), low=low, high=high)
    if settings.kv_type not in ("f16", "q8_0", "q4_0"):
        raise StartFailed("PORTAL_KV_TYPE must be f16, q8_0 or q4_0.")
    if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise StartFailed("PORTAL_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if settings.database_url and not settings.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise StartFailed("PORTAL_DATABASE_URL must start with postgresql:// or sqlite:///.")
    if settings.elasticsearch_url and not settings.elasticsearch_url.startswith(("http://", "https://")):
        raise StartFailed("PORTAL_ELASTICSEARCH_URL must start with http:// or https://.")
