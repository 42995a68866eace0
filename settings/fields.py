"""Define every setting with its description and default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_type_hints

from core.models.load_settings import FlashAttention, KvStreams, KvType, LoadSettings, SplitMode
from settings.lists import listed


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
    redis_url: Annotated[str, (
        "A Redis in which servers count limits together (redis://host:6379/0 or rediss://). Empty: they count in the database."
    )] = ""
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
    drain_seconds: Annotated[int, (
        "Longest time in seconds that a stopping server lets answers and requests finish. -1: 20 with PostgreSQL, 0 with SQLite."
    )] = -1
    drain_notice_seconds: Annotated[int, (
        "Seconds for which a stopping server still takes requests while /readyz answers 503, for a balancer that does not retry."
    )] = 0
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
    model_memory_gb: Annotated[int, "Memory for all models on this machine together, in GB. 0: what the machine has."] = 0
    offload_disk_mb: Annotated[int, (
        "Disk space under the home for the KV cache of idle conversations, in MB. -1: a tenth of the free space."
    )] = -1
    disk_reserve_mb: Annotated[int, "Disk space under the home, in MB, reserved for running work. With less, new work is refused."] = 64
    mtp: Annotated[bool, "Load a model's MTP layer to draft tokens, if the file has one and memory allows it."] = False
    gpu_sampling: Annotated[bool, (
        "Let the GPU find the likeliest tokens of each answer, instead of copying all logits in each step."
    )] = False
    offline: Annotated[bool, "Never contact a hub for model files. Files on the server can still be imported."] = False
    isolated: Annotated[bool, "Run each model in its own process, unless chosen otherwise when loading."] = False
    max_question_chars: Annotated[int, "The longest question, in characters."] = 32_000
    pdf_export: Annotated[bool, (
        "Install the package that writes chats as PDF. An admin then turns on the plugin on the Plugins page."
    )] = False
    pdf_font: Annotated[str, "The font file of PDF exports (.ttf, .otf or .ttc). Empty: a font with Chinese that is found here."] = ""
    temporary_chats: Annotated[bool, "Offer temporary chats, which are never stored. Only their usage figures are."] = True
    masked_review: Annotated[bool, "Hide the names of raters from reviewers, who can reveal them for a reason."] = True
    model_titles: Annotated[bool, (
        "Let the model write the titles of chats, in the background. Off: they are made from the first question."
    )] = True
    memory: Annotated[str, (
        "Memory across chats: off, ask (each person may switch it on) or on (until a person switches it off)."
    )] = "ask"
    memory_tokens: Annotated[int, "Tokens of a prompt that a person's memories may take, at most an eighth of the context."] = 500
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
    time_zone: Annotated[str, "The time zone of the days and hours in usage boards, for example Europe/Zurich."] = "UTC"
    notice_days: Annotated[int, "Days that notices are kept."] = 30
    alert_days: Annotated[int, "Days that ended alerts stay in the history."] = 365
    smtp_host: Annotated[str, "The mail server that alerts and reports are sent through. Empty: no mail is sent."] = ""
    smtp_port: Annotated[int, "The port of the mail server."] = 587
    smtp_security: Annotated[str, "How the connection to the mail server is encrypted: starttls, tls or none."] = "starttls"
    smtp_ca: Annotated[str, "A file with the CA that signed the certificate of the mail server."] = ""
    smtp_user: Annotated[str, "The user at the mail server. Empty: no sign-in."] = ""
    smtp_password_file: Annotated[str, "A file with the password of this user."] = ""
    smtp_from: Annotated[str, "The address that mails come from, for example portal@corp.example."] = ""
    task_steps: Annotated[int, "Most steps of a task."] = 20
    task_minutes: Annotated[int, "Most minutes that the steps of a run of a task may take together."] = 30
    task_tokens: Annotated[int, "Most tokens, read and written, that a run of a task may use."] = 50_000
    dataset_holdout_percent: Annotated[int, "Share of chats that every dataset holds out for tests, in percent. 0: none."] = 10
    response_days: Annotated[int, "Days that responses which programs store with /v1/responses are kept. 0: none is stored."] = 30
    program_file_days: Annotated[int, "Days that files of /v1/files, which batches read and write, are kept."] = 30
    max_batch_mb: Annotated[int, "The largest file of /v1/files, in MB."] = 100
    embedding_cache_mb: Annotated[int, "Room for vectors of texts that were embedded before, in MB. 0: none is kept."] = 64
    review_second_percent: Annotated[int, (
        "How many in a hundred judged cases a second reviewer judges too, without seeing the first answers."
    )] = 10  # fmt: skip
    result_cache_mb: Annotated[int, "Room for answers to deterministic requests, in MB. 0: the model is always asked."] = 0
    result_cache_days: Annotated[int, "Days for which the same deterministic request gets the same answer."] = 7
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
        """Return the host names that browsers may use, in lower case. Loopback names are always allowed."""
        return tuple(each.lower() for each in (self.host, *listed(self.allowed_hosts)))

    @property
    def proxies(self) -> list[str]:
        return listed(self.trusted_proxies)

    @property
    def servers(self) -> list[str]:
        """Return the addresses of the admin servers, in the order of tries."""
        return [each.rstrip("/") for each in listed(self.server)]

    @property
    def origins(self) -> frozenset[str]:
        """Return the origins in cors_origins, normalized as browsers write them."""
        return frozenset(origin for each in self.cors_origins.split(",") if (origin := each.strip().rstrip("/").lower()))

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'portal.db'}"

    @property
    def embedded(self) -> bool:
        """Tell whether this process alone uses the database."""
        return self.database.startswith("sqlite")

    @property
    def drain_s(self) -> float:
        """Return the seconds that a stopping server lets answers finish; 0 by default without replicas, where a fast restart is better."""
        if self.drain_seconds >= 0:
            return float(self.drain_seconds)
        return 0.0 if self.embedded else 20.0

    @property
    def encrypted(self) -> bool:
        return bool(self.master_key or self.master_key_file or self.master_key_command)

    @property
    def first_load(self) -> LoadSettings:
        """Return the load settings of the model at startup. Raises InvalidInput, and ValueError for shares that are not numbers."""
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
"""The default port of each profile."""


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"PORTAL_{name.upper()}"


def descriptions() -> dict[str, str]:
    """Return the description of each setting, by name."""
    return {name: hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()}
