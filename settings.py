"""Read the settings once from the environment and one YAML file: typed and frozen. An invalid one stops the start and is named."""

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
from core.models.records import LOAD_CHOICES, FlashAttention, KvStreams, KvType, LoadSettings, SplitMode


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is read from PORTAL_<NAME>, else from <name> in the YAML file, else its default; see docs/settings.md."""

    home: Annotated[Path, "The folder for everything written at run time."] = Path("~/.local/share/glm-portal")
    host: Annotated[str, "The address to listen on."] = "127.0.0.1"
    port: Annotated[int, "The port to listen on."] = 8501
    profile: Annotated[str, "What this server runs: all, admin or user."] = "all"
    pages: Annotated[str, "Pages of this server, separated by commas, for example chat,search. Empty: those of the profile."] = ""
    routes: Annotated[str, (
        "Groups of REST routes of this server, separated by commas, for example session,files. Empty: those of the profile."
    )] = ""
    server: Annotated[str, "Addresses of the admin servers, for the profile user, for example https://admin.example."] = ""
    server_ca: Annotated[str, "A file with the CA that signed the certificate of the admin servers."] = ""
    service_keys: Annotated[str, "Keys between user and admin servers, separated by commas. Empty: no user server may connect."] = ""
    service_keys_file: Annotated[str, "A file with these keys, one in each line."] = ""
    internal_staff: Annotated[bool, "Whether user servers may also show the pages of managers and admins."] = False
    allowed_hosts: Annotated[str, "Host names of the portal, separated by commas, for example portal.example, *.example.org."] = ""
    trusted_proxies: Annotated[str, "Addresses or networks of proxies in front of the portal, separated by commas."] = "127.0.0.1,::1"
    connections_per_address: Annotated[int, "Open connections allowed per address; a quarter of them may be pages without a session."] = 256
    metrics_token: Annotated[str, "A token that lets other machines read /metrics. Empty: this machine only."] = ""
    database_url: Annotated[str, "A PostgreSQL URL (postgresql://user:password@host/name). Empty: SQLite under the home."] = ""
    elasticsearch_url: Annotated[str, "An Elasticsearch 9 URL. Empty: the embedded full-text index, under the home or in PostgreSQL."] = ""
    elasticsearch_api_key: Annotated[str, "The API key for Elasticsearch."] = ""
    elasticsearch_ca: Annotated[str, "A file with the CA that signed the certificate of Elasticsearch."] = ""
    master_key: Annotated[str, (
        "The master key for encryption at rest: 32 bytes in base64, for example from `openssl rand -base64 32`."
    )] = ""
    master_key_file: Annotated[str, "A file that contains the master key."] = ""
    master_key_command: Annotated[str, "A command that prints the master key, for example the client of a key management service."] = ""
    index_plaintext: Annotated[bool, (
        "With encryption on: whether the search index (including Elasticsearch) may store readable text."
    )] = False
    admin_password: Annotated[str, "The password of the first admin, for the first start. Empty: one is generated and printed once."] = ""
    model: Annotated[str, "The GGUF file to load at startup. Empty: the built-in guide."] = ""
    models_folder: Annotated[str, "The folder with GGUF files. Empty: models under the home."] = ""
    platforms: Annotated[str, "The YAML file of platforms and routes. Empty: platforms.yaml under the home."] = ""
    context: Annotated[int, "Tokens per conversation, for the model loaded at startup. 0: chosen by file and memory."] = 0
    slots: Annotated[int, "Concurrent answers of the model loaded at startup. 0: chosen by file and memory."] = 0
    gpu_layers: Annotated[int, "Layers on the GPU, if there is one. -1: all that fit."] = -1
    kv_type: Annotated[str, "Precision of the context: f16, q8_0 or q4_0."] = "f16"
    flash_attention: Annotated[str, (
        "Flash attention for the model loaded at startup: auto, on or off. A context of q8_0 or q4_0 needs it."
    )] = "auto"
    streams: Annotated[str, "KV cache of the model loaded at startup: separate for each slot, unified, or auto."] = "auto"
    split_mode: Annotated[str, "Split across GPUs: none, layer or row."] = "layer"
    main_gpu: Annotated[int, "The GPU for split mode none, or the main GPU for row, counted from 0. -1: the first."] = -1
    gpu_shares: Annotated[str, "Proportions for each GPU, for example 3,1. Empty: by free memory."] = ""
    threads: Annotated[int, "CPU threads of the model loaded at startup. 0: chosen by the machine."] = 0
    offload_disk_mb: Annotated[int, (
        "Disk space under the home for the KV cache of idle conversations, in MB. -1: a tenth of the free space."
    )] = -1
    disk_reserve_mb: Annotated[int, "Disk space under the home, in MB, reserved for running work. With less, new work is refused."] = 64
    mtp: Annotated[bool, "Load a model's MTP layer to draft tokens, if the file has one and memory allows it."] = False
    offline: Annotated[bool, "Never contact a hub for model files. Files on the server can still be imported."] = False
    isolated: Annotated[bool, "Run each model in its own process, unless chosen otherwise when loading."] = False
    max_question_chars: Annotated[int, "The longest question, in characters."] = 32_000
    temporary_chats: Annotated[bool, "Offer temporary chats, which are never stored. Only their usage figures are."] = True
    model_titles: Annotated[bool, (
        "Let the model write the titles of chats, in the background. Off: they are made from the first question."
    )] = True
    max_file_mb: Annotated[int, "Maximum total size of the files of one question, in MB."] = 20
    max_wait_s: Annotated[int, "Expected queue wait, in seconds, above which a question is refused."] = 10
    session_hours: Annotated[int, "Hours until people must sign in again."] = 12
    public_url: Annotated[str, "The address at which browsers reach the portal, for example https://portal.example."] = ""
    oidc_issuer: Annotated[str, "The issuer of an OpenID Connect provider that people sign in with."] = ""
    oidc_client_id: Annotated[str, "The client ID of the portal at the provider."] = ""
    oidc_client_secret: Annotated[str, "The client secret of the portal at the provider."] = ""
    oidc_name: Annotated[str, "What the sign-in button calls the provider."] = "single sign-on"
    oidc_groups_claim: Annotated[str, "The claim with the groups of a person."] = "groups"
    ldap_url: Annotated[str, "An LDAP directory or Active Directory, as ldaps://host or ldap://host."] = ""
    ldap_start_tls: Annotated[bool, "Encrypt a connection to ldap:// with StartTLS before anything is sent."] = True
    ldap_ca: Annotated[str, "A file with the CA that signed the certificate of the directory. Empty: those of the system."] = ""
    ldap_bind_dn: Annotated[str, "The DN as which the portal searches the directory. Empty: anonymously."] = ""
    ldap_bind_password: Annotated[str, "The password of PORTAL_LDAP_BIND_DN."] = ""
    ldap_base: Annotated[str, "The DN below which people and groups are."] = ""
    ldap_user_filter: Annotated[str, "The filter that finds a person; {name} is the sign-in name."] = "(&(objectClass=person)(uid={name}))"
    identity_roles: Annotated[str, "Roles of company groups: group=role, separated by semicolons. The first that fits counts."] = ""
    identity_groups: Annotated[str, "Groups of company groups: group=group here, separated by semicolons."] = ""
    identity_default_role: Annotated[str, (
        "The role of people in no group of PORTAL_IDENTITY_ROLES. none: they may not sign in."
    )] = "analyst"
    identity_link_accounts: Annotated[bool, (
        "Whether the first company sign-in takes over an existing account of the same name."
    )] = False
    second_factor_roles: Annotated[str, "Roles that must use a second factor, separated by commas. *: every role."] = ""
    session_idle_minutes: Annotated[int, "Minutes without use after which people must sign in again. 0: no limit."] = 240
    response_days: Annotated[int, "Days that responses which programs store with /v1/responses are kept. 0: none is stored."] = 30
    program_file_days: Annotated[int, "Days that files of /v1/files, which batches read and write, are kept."] = 30
    max_batch_mb: Annotated[int, "The largest file of /v1/files, in MB."] = 100
    store_responses: Annotated[bool, "Whether /v1/responses stores a response if the request does not say."] = True
    cors_origins: Annotated[str, "Origins whose pages may use /v1 with a key, separated by commas. *: all. Empty: none."] = ""
    secure_cookie: Annotated[bool, "Send the session cookie over HTTPS only. Switch it on behind TLS."] = False
    log_level: Annotated[str, "DEBUG, INFO, WARNING or ERROR."] = "INFO"
    log_format: Annotated[str, "json or text. Empty: JSON in the log file, and warnings as text on standard error."] = ""
    log_days: Annotated[int, "Days to keep log lines in Elasticsearch."] = 90
    rollover_days: Annotated[int, "Days after which logs and audit start a new index in Elasticsearch."] = 30
    rollover_mb: Annotated[int, "Size in MB at which logs and audit start a new index in Elasticsearch."] = 10_000
    rollover_documents: Annotated[int, "Number of documents at which logs and audit start a new index in Elasticsearch."] = 20_000_000

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """Return the host names that browsers may use, in lower case; loopback names are always allowed."""
        return tuple(each.lower() for each in (self.host, *listed(self.allowed_hosts)))

    @property
    def proxies(self) -> list[str]:
        return listed(self.trusted_proxies)

    @property
    def servers(self) -> list[str]:
        """Return the addresses of the admin servers, in the order in which they are tried."""
        return [each.rstrip("/") for each in listed(self.server)]

    @property
    def origins(self) -> frozenset[str]:
        """Return the origins of cors_origins, as browsers write them."""
        return frozenset(origin for each in self.cors_origins.split(",") if (origin := each.strip().rstrip("/").lower()))

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'portal.db'}"

    @property
    def embedded(self) -> bool:
        """Tell whether this process alone uses the database."""
        return self.database.startswith("sqlite")

    @property
    def encrypted(self) -> bool:
        return bool(self.master_key or self.master_key_file or self.master_key_command)

    @property
    def first_load(self) -> LoadSettings:
        """Return how the model at startup is loaded. Raises InvalidInput, and ValueError for shares that are not numbers."""
        return LoadSettings(
            context=self.context or None,
            slots=self.slots or None,
            gpu_layers=self.gpu_layers,
            kv_type=KvType(self.kv_type),
            threads=self.threads or None,
            flash_attention=FlashAttention(self.flash_attention),
            streams=KvStreams(self.streams),
            split_mode=SplitMode(self.split_mode),
            main_gpu=self.main_gpu if self.main_gpu >= 0 else None,
            gpu_shares=tuple(map(float, self.gpu_shares.split(","))) if self.gpu_shares else (),
            isolated=self.isolated,
        )

    @property
    def platforms_path(self) -> Path:
        return Path(self.platforms).expanduser() if self.platforms else self.home / "platforms.yaml"

    @property
    def models_path(self) -> Path:
        return Path(self.models_folder).expanduser() if self.models_folder else self.home / "models"


PORTS = {"all": 8501, "admin": 7860, "user": 7861}
"""The port of each profile, where none is set."""
KEY_COMMAND_S = 30
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)")
SHORTEST_TOKEN = 16
_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def listed(written: str) -> list[str]:
    """Split a setting that is written with commas."""
    return [part.strip() for part in written.split(",") if part.strip()]


def pairs(written: str) -> tuple[tuple[str, str], ...]:
    """Split a setting of the form a=b;c=d. The last = of each counts: names of groups in a directory contain others."""
    parts = (part.rpartition("=") for part in written.split(";") if part.strip())
    return tuple((left.strip(), right.strip()) for left, _, right in parts)


def read_key(written: str, name: str) -> bytes:
    """Decode 32 bytes written in base64. name: the setting to name in the error. Raises StartFailed."""
    try:
        key = b64decode(written.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise StartFailed("{name} must be 32 bytes in base64. Create one with: openssl rand -base64 32", name=name)
    return key


def master_key(settings: Settings) -> bytes | None:
    """Return the master key from the setting, the file or the command; None if none is set. Raises StartFailed."""
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
            raise StartFailed("PORTAL_MASTER_KEY_COMMAND did not print a key. Run it manually to see why.") from problem
        return read_key(asked.stdout, "PORTAL_MASTER_KEY_COMMAND")
    return None


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"PORTAL_{name.upper()}"


def descriptions() -> dict[str, str]:
    """Return the description of each setting, by name."""
    return {name: hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()}


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
    _check(settings)
    return settings


_RENAMED = {"PORTAL_PARKING_DISK_MB": "PORTAL_OFFLOAD_DISK_MB"}
"""Settings that had another name, which is read for one release."""


def _written_name(name: str) -> str:
    new = _RENAMED.get(variable(name))
    return new.removeprefix("PORTAL_").lower() if new else name


_ELSEWHERE = {"PORTAL_CONFIG", "PORTAL_PASSWORD", "PORTAL_BACKUP_KEY", "PORTAL_NEW_MASTER_KEY"}
"""Variables read elsewhere: the file to read, the password that `portal user add` and `passwd` set, the passphrase of backups, and the
new key of `portal keys rewrap`.
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


def _check(settings: Settings) -> None:
    ranges = {
        "port": (1, 65535),
        "connections_per_address": (16, 1_000_000),
        "context": (0, 4_194_304),
        "slots": (0, 256),
        "gpu_layers": (-1, 10_000),
        "threads": (0, 1024),
        "offload_disk_mb": (-1, 100_000_000),
        "disk_reserve_mb": (0, 1_000_000),
        "main_gpu": (-1, 15),
        "max_question_chars": (100, 1_000_000),
        "max_file_mb": (1, 100),
        "max_wait_s": (1, 86_400),
        "session_hours": (1, 24 * 365),
        "session_idle_minutes": (0, 525_600),
        "response_days": (0, 36_500),
        "program_file_days": (1, 36_500),
        "max_batch_mb": (1, 10_000),
        "log_days": (1, 36_500),
        "rollover_days": (1, 36_500),
        "rollover_mb": (1, 1_000_000),
        "rollover_documents": (1, 2_000_000_000),
    }
    for name, (low, high) in ranges.items():
        if not low <= getattr(settings, name) <= high:
            raise StartFailed("{name} must be between {low} and {high}.", name=variable(name), low=low, high=high)
    for name in listed(settings.allowed_hosts):
        if not _HOST_NAME.fullmatch(name) and not _is_network(name):
            raise StartFailed("PORTAL_ALLOWED_HOSTS must contain names without a port, for example portal.example, not {name}.", name=name)
    for address in settings.proxies:
        if not _is_network(address):
            raise StartFailed((
                "PORTAL_TRUSTED_PROXIES must contain addresses or networks, for example 10.0.0.0/8, not {address}."
            ), address=address)
        if address.endswith("/0"):
            raise StartFailed("PORTAL_TRUSTED_PROXIES cannot include every address: anyone could then claim any address. Name the proxies.")
    if settings.metrics_token and len(settings.metrics_token) < SHORTEST_TOKEN:
        raise StartFailed("PORTAL_METRICS_TOKEN must have at least {least} characters.", least=SHORTEST_TOKEN)
    for name, choices in LOAD_CHOICES.items():
        if getattr(settings, name) not in list(choices):
            raise StartFailed("{name} must be one of {choices}.", name=variable(name), choices=", ".join(choices))
    try:
        settings.first_load  # noqa: B018 - it checks itself
    except ValueError:
        raise StartFailed("PORTAL_GPU_SHARES must be numbers separated by commas, for example 3,1.") from None
    except InvalidInput as problem:
        raise StartFailed("The settings of the model loaded at startup conflict. {problem}", problem=problem) from None
    if settings.profile not in PORTS:
        raise StartFailed("PORTAL_PROFILE must be all, admin or user.")
    if settings.profile == "user":
        _check_user_server(settings)
    if settings.oidc_issuer:
        if not settings.oidc_issuer.startswith("https://") and not _LOOPBACK.match(settings.oidc_issuer):
            raise StartFailed("PORTAL_OIDC_ISSUER must start with https://.")
        for name in ("oidc_client_id", "oidc_client_secret", "public_url"):
            if not getattr(settings, name):
                raise StartFailed("PORTAL_OIDC_ISSUER needs {name} too.", name=variable(name))
    if settings.ldap_url:
        if not settings.ldap_url.startswith(("ldaps://", "ldap://")):
            raise StartFailed("PORTAL_LDAP_URL must start with ldaps:// or ldap://.")
        if not settings.ldap_base:
            raise StartFailed("PORTAL_LDAP_URL needs PORTAL_LDAP_BASE too.")
        if "{name}" not in settings.ldap_user_filter:
            raise StartFailed("PORTAL_LDAP_USER_FILTER must contain {{name}} where the sign-in name goes.")
    if settings.public_url and not settings.public_url.startswith(("https://", "http://")):
        raise StartFailed("PORTAL_PUBLIC_URL must start with https:// or http://.")
    for name in ("identity_roles", "identity_groups"):
        for entry in pairs(getattr(settings, name)):
            if not all(entry):
                raise StartFailed("{name} must have the form group=name;group=name.", name=variable(name))
    if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise StartFailed("PORTAL_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if settings.log_format not in ("", "json", "text"):
        raise StartFailed("PORTAL_LOG_FORMAT must be json or text.")
    if settings.database_url and not settings.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise StartFailed("PORTAL_DATABASE_URL must start with postgresql:// or sqlite:///.")
    if settings.elasticsearch_url and not settings.elasticsearch_url.startswith(("http://", "https://")):
        raise StartFailed("PORTAL_ELASTICSEARCH_URL must start with http:// or https://.")


def _check_user_server(settings: Settings) -> None:
    if not settings.servers or not all(each.startswith(("http://", "https://")) for each in settings.servers):
        raise StartFailed("PORTAL_SERVER must be the address of the admin server, for example https://admin.example.")
    if not settings.service_keys and not settings.service_keys_file:
        raise StartFailed("PORTAL_SERVICE_KEYS must be set on a user server, to the same key as on the admin server.")


def _is_network(written: str) -> bool:
    try:
        ip_network(written, strict=False)
    except ValueError:
        return False
    return True
