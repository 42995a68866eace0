"""Settings: read once from the environment and one YAML file, typed, frozen; a wrong one stops the start and names itself."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, get_type_hints

import yaml

from core.errors import InvalidInput, StartFailed
from core.models.records import LOAD_CHOICES, LoadSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is read from PORTAL_<NAME>, else from <name> in the YAML file, else its default; docs/settings.md says the same."""

    home: Annotated[Path, "The folder for everything written at run time."] = Path("~/.local/share/glm-portal")
    host: Annotated[str, "The address to listen on."] = "127.0.0.1"
    port: Annotated[int, "The port to listen on."] = 8501
    allowed_hosts: Annotated[str, "Names under which browsers reach the portal, with commas, as in portal.example, *.example.org."] = ""
    trusted_proxies: Annotated[str, "Addresses or networks of proxies in front of the portal, with commas."] = "127.0.0.1,::1"
    connections_per_address: Annotated[int, "Open connections an address may have; a quarter of them pages without a session."] = 256
    metrics_token: Annotated[str, "A token that lets other machines read /metrics. Empty: this machine alone."] = ""
    database_url: Annotated[str, "A PostgreSQL URL (postgresql://user:password@host/name). Empty: SQLite under the home."] = ""
    elasticsearch_url: Annotated[str, "An Elasticsearch 9 URL. Empty: the embedded full-text index, under the home or in PostgreSQL."] = ""
    elasticsearch_api_key: Annotated[str, "The API key for Elasticsearch."] = ""
    elasticsearch_ca: Annotated[str, "A CA file that signed the certificate of Elasticsearch."] = ""
    master_key: Annotated[str, "The master key of encryption at rest: 32 bytes in base64, as `openssl rand -base64 32` makes them."] = ""
    master_key_file: Annotated[str, "A file with the master key."] = ""
    master_key_command: Annotated[str, "A command that prints the master key, as the client of a key management service does."] = ""
    index_plaintext: Annotated[bool, "With encryption on: whether the search index (Elasticsearch too) may keep readable text."] = False
    admin_password: Annotated[str, "The first admin's password at the first start. Empty: one is generated and printed once."] = ""
    model: Annotated[str, "The GGUF to load at the start. Empty: the built-in guide."] = ""
    models_folder: Annotated[str, "The folder with GGUF files. Empty: models under the home."] = ""
    context: Annotated[int, "Tokens one conversation can hold in the model loaded at the start. 0: chosen from file and memory."] = 0
    slots: Annotated[int, "Answers at the same time of the model loaded at the start. 0: chosen from file and memory."] = 0
    gpu_layers: Annotated[int, "Layers on the GPU where there is one; -1: all that fit."] = -1
    kv_type: Annotated[str, "Precision of the context: f16, q8_0 or q4_0."] = "f16"
    flash_attention: Annotated[str, "For the model loaded at the start: auto, on or off. A context of q8_0 or q4_0 needs it."] = "auto"
    streams: Annotated[str, "Context memory of the model loaded at the start: separate for each slot, unified, or auto."] = "auto"
    split_mode: Annotated[str, "Over several GPUs: none, layer or row."] = "layer"
    main_gpu: Annotated[int, "The GPU of split mode none, or the main one of row, from 0 on. -1: the first."] = -1
    gpu_shares: Annotated[str, "What each GPU takes, in proportion, as in 3,1. Empty: by their free memory."] = ""
    threads: Annotated[int, "CPU threads of the model loaded at the start. 0: chosen from the machine."] = 0
    parking_disk_mb: Annotated[int, "Disk space under the home for idle conversations' context, in MB; -1: a tenth of what is free."] = -1
    disk_reserve_mb: Annotated[int, "Disk space under the home, in MB, kept for what runs: with less, nothing new is taken."] = 64
    mtp: Annotated[bool, "Load a model's MTP layer where the file has one and memory allows it, to draft tokens."] = False
    isolated: Annotated[bool, "Run models in processes of their own, where the load does not say otherwise."] = False
    max_question_chars: Annotated[int, "The longest question, in characters."] = 32_000
    max_file_mb: Annotated[int, "What the files of one question may have together, in MB."] = 20
    max_wait_s: Annotated[int, "Seconds a question may be expected to wait for its turn before it is refused."] = 10
    session_hours: Annotated[int, "Hours until a person must sign in again."] = 12
    cors_origins: Annotated[str, "Origins whose pages may use /v1 with a key, separated by commas. *: all. Empty: none."] = ""
    secure_cookie: Annotated[bool, "Send the session cookie over HTTPS only; switch on behind TLS."] = False
    log_level: Annotated[str, "DEBUG, INFO, WARNING or ERROR."] = "INFO"
    log_format: Annotated[str, "json or text. Empty: JSON in the log file, and warnings as text on standard error."] = ""
    log_days: Annotated[int, "Days that log lines are kept in Elasticsearch."] = 90
    rollover_days: Annotated[int, "Days until logs and audit begin a new index in Elasticsearch."] = 30
    rollover_mb: Annotated[int, "Size in MB at which logs and audit begin a new index in Elasticsearch."] = 10_000
    rollover_documents: Annotated[int, "Documents at which logs and audit begin a new index in Elasticsearch."] = 20_000_000

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The names browsers may use, in small letters; loopback names always may be."""
        return tuple(each.lower() for each in (self.host, *_listed(self.allowed_hosts)))

    @property
    def proxies(self) -> list[str]:
        return _listed(self.trusted_proxies)

    @property
    def origins(self) -> frozenset[str]:
        """Of cors_origins, as browsers write them."""
        return frozenset(origin for each in self.cors_origins.split(",") if (origin := each.strip().rstrip("/").lower()))

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'portal.db'}"

    @property
    def embedded(self) -> bool:
        """Whether this process alone uses the store."""
        return self.database.startswith("sqlite")

    @property
    def encrypted(self) -> bool:
        return bool(self.master_key or self.master_key_file or self.master_key_command)

    @property
    def first_load(self) -> LoadSettings:
        """How the model of the start is loaded. Raises InvalidInput, and ValueError for shares that are no numbers."""
        return LoadSettings(
            context=self.context or None,
            slots=self.slots or None,
            gpu_layers=self.gpu_layers,
            kv_type=self.kv_type,
            threads=self.threads or None,
            flash_attention=self.flash_attention,
            streams=self.streams,
            split_mode=self.split_mode,
            main_gpu=self.main_gpu if self.main_gpu >= 0 else None,
            gpu_shares=tuple(map(float, self.gpu_shares.split(","))) if self.gpu_shares else (),
            isolated=self.isolated,
        )

    @property
    def models_path(self) -> Path:
        return Path(self.models_folder).expanduser() if self.models_folder else self.home / "models"


KEY_COMMAND_S = 30
SHORTEST_TOKEN = 16
_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def _listed(written: str) -> list[str]:
    """The parts of a setting that are written with commas."""
    return [part.strip() for part in written.split(",") if part.strip()]


def read_key(written: str, name: str) -> bytes:
    """The 32 bytes that were written in base64. name: what to blame. Raises StartFailed."""
    try:
        key = b64decode(written.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise StartFailed("{name} must be 32 bytes in base64. Make one with: openssl rand -base64 32", name=name)
    return key


def master_key(settings: Settings) -> bytes | None:
    """From the setting, the file or the command, or None where none of them is set. Raises StartFailed."""
    if settings.master_key:
        return read_key(settings.master_key, "PORTAL_MASTER_KEY")
    if settings.master_key_file:
        try:
            written = Path(settings.master_key_file).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise StartFailed("PORTAL_MASTER_KEY_FILE {path} cannot be read.", path=settings.master_key_file) from problem
        return read_key(written, "PORTAL_MASTER_KEY_FILE")
    if settings.master_key_command:
        try:
            asked = subprocess.run(
                shlex.split(settings.master_key_command), capture_output=True, text=True, check=True, timeout=KEY_COMMAND_S
            )
        except (OSError, ValueError, subprocess.SubprocessError) as problem:
            raise StartFailed("PORTAL_MASTER_KEY_COMMAND did not print a key. Run it by hand to see why.") from problem
        return read_key(asked.stdout, "PORTAL_MASTER_KEY_COMMAND")
    return None


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"PORTAL_{name.upper()}"


def descriptions() -> dict[str, str]:
    """What each setting is for, by its name."""
    return {name: hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()}


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


_ELSEWHERE = {"PORTAL_CONFIG", "PORTAL_PASSWORD", "PORTAL_BACKUP_KEY", "PORTAL_NEW_MASTER_KEY"}
"""Read by others: which file to read, the password that `portal user add` and `passwd` set, the passphrase of backups, and the key
`portal keys rewrap` changes to."""


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
        "connections_per_address": (16, 1_000_000),
        "context": (0, 4_194_304),
        "slots": (0, 256),
        "gpu_layers": (-1, 10_000),
        "threads": (0, 1024),
        "parking_disk_mb": (-1, 100_000_000),
        "disk_reserve_mb": (0, 1_000_000),
        "main_gpu": (-1, 15),
        "max_question_chars": (100, 1_000_000),
        "max_file_mb": (1, 100),
        "max_wait_s": (1, 86_400),
        "session_hours": (1, 24 * 365),
        "log_days": (1, 36_500),
        "rollover_days": (1, 36_500),
        "rollover_mb": (1, 1_000_000),
        "rollover_documents": (1, 2_000_000_000),
    }
    for name, (low, high) in ranges.items():
        if not low <= getattr(settings, name) <= high:
            raise StartFailed("{name} must lie between {low} and {high}.", name=variable(name), low=low, high=high)
    for name in _listed(settings.allowed_hosts):
        if not _HOST_NAME.fullmatch(name) and not _is_network(name):
            raise StartFailed("PORTAL_ALLOWED_HOSTS must hold names without a port, as in portal.example, not {name}.", name=name)
    for address in settings.proxies:
        if not _is_network(address):
            raise StartFailed("PORTAL_TRUSTED_PROXIES must hold addresses or networks, as in 10.0.0.0/8, not {address}.", address=address)
        if address.endswith("/0"):
            raise StartFailed("PORTAL_TRUSTED_PROXIES cannot be everybody: anybody could then claim any address. Name the proxies.")
    if settings.metrics_token and len(settings.metrics_token) < SHORTEST_TOKEN:
        raise StartFailed("PORTAL_METRICS_TOKEN must have at least {least} characters.", least=SHORTEST_TOKEN)
    for name, choices in LOAD_CHOICES.items():
        if getattr(settings, name) not in choices:
            raise StartFailed("{name} must be one of {choices}.", name=variable(name), choices=", ".join(choices))
    try:
        settings.first_load  # noqa: B018 - it checks itself
    except ValueError:
        raise StartFailed("PORTAL_GPU_SHARES must be numbers with commas, as in 3,1.") from None
    except InvalidInput as problem:
        raise StartFailed("The settings of the model loaded at the start do not go together. {problem}", problem=problem) from None
    if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise StartFailed("PORTAL_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if settings.log_format not in ("", "json", "text"):
        raise StartFailed("PORTAL_LOG_FORMAT must be json or text.")
    if settings.database_url and not settings.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise StartFailed("PORTAL_DATABASE_URL must start with postgresql:// or sqlite:///.")
    if settings.elasticsearch_url and not settings.elasticsearch_url.startswith(("http://", "https://")):
        raise StartFailed("PORTAL_ELASTICSEARCH_URL must start with http:// or https://.")


def _is_network(written: str) -> bool:
    try:
        ip_network(written, strict=False)
    except ValueError:
        return False
    return True
