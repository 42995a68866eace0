"""Check the settings before anything starts."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

from core.chat.memory.records import MemoryMode
from core.errors import InvalidInput, StartFailed
from core.models.load_settings import LOAD_CHOICES
from settings.fields import PORTS, Settings, variable
from settings.lists import listed, pairs

SHORTEST_TOKEN = 16
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)")
_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
RANGES = {
    "port": (1, 65535),
    "connections_per_address": (16, 1_000_000),
    "context": (0, 4_194_304),
    "slots": (0, 256),
    "gpu_layers": (-1, 10_000),
    "threads": (0, 1024),
    "model_memory_gb": (0, 100_000),
    "offload_disk_mb": (-1, 100_000_000),
    "disk_reserve_mb": (0, 1_000_000),
    "drain_seconds": (-1, 3600),
    "drain_notice_seconds": (0, 600),
    "main_gpu": (-1, 15),
    "max_question_chars": (100, 1_000_000),
    "memory_tokens": (50, 100_000),
    "max_file_mb": (1, 100),
    "max_wait_s": (1, 86_400),
    "session_hours": (1, 24 * 365),
    "session_idle_minutes": (0, 525_600),
    "response_days": (0, 36_500),
    "notice_days": (1, 36_500),
    "alert_days": (1, 36_500),
    "smtp_port": (1, 65535),
    "task_steps": (1, 100),
    "task_minutes": (1, 1440),
    "task_tokens": (100, 100_000_000),
    "dataset_holdout_percent": (0, 50),
    "program_file_days": (1, 36_500),
    "embedding_cache_mb": (0, 1_000_000),
    "review_second_percent": (0, 100),
    "result_cache_mb": (0, 1_000_000),
    "result_cache_days": (1, 365),
    "max_batch_mb": (1, 10_000),
    "log_days": (1, 36_500),
    "rollover_days": (1, 36_500),
    "rollover_mb": (1, 1_000_000),
    "rollover_documents": (1, 2_000_000_000),
}
"""The smallest and largest allowed value of each integer setting."""


def check(settings: Settings) -> None:
    """Raise StartFailed, with the name of the setting, for values that are out of range, malformed or contradictory."""
    for name, (low, high) in RANGES.items():
        if not low <= getattr(settings, name) <= high:
            raise StartFailed("{name} must be between {low} and {high}.", name=variable(name), low=low, high=high)
    if settings.memory not in list(MemoryMode):
        raise StartFailed("{name} must be one of {choices}.", name=variable("memory"), choices=", ".join(MemoryMode))
    _check_time_zone(settings)
    _check_addresses(settings)
    _check_first_load(settings)
    _check_profile(settings)
    _check_identity(settings)
    _check_logs(settings)
    _check_stores(settings)
    _check_mail(settings)


def _check_time_zone(settings: Settings) -> None:
    try:
        ZoneInfo(settings.time_zone)
    except (ValueError, OSError, LookupError):
        name = settings.time_zone
        raise StartFailed("PORTAL_TIME_ZONE must name a time zone, for example Europe/Zurich, not {name}.", name=name) from None


def _check_addresses(settings: Settings) -> None:
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
    if settings.pdf_font and not Path(settings.pdf_font).is_file():
        raise StartFailed("PORTAL_PDF_FONT must name a font file; there is none at {path}.", path=settings.pdf_font)
    if settings.public_url and not settings.public_url.startswith(("https://", "http://")):
        raise StartFailed("PORTAL_PUBLIC_URL must start with https:// or http://.")


def _check_first_load(settings: Settings) -> None:
    for name, choices in LOAD_CHOICES.items():
        if getattr(settings, name) not in list(choices):
            raise StartFailed("{name} must be one of {choices}.", name=variable(name), choices=", ".join(choices))
    try:
        settings.first_load  # noqa: B018 - it checks itself
    except ValueError:
        raise StartFailed("PORTAL_GPU_SHARES must be numbers separated by commas, for example 3,1.") from None
    except InvalidInput as problem:
        raise StartFailed("The settings of the model loaded at startup conflict. {problem}", problem=problem) from None


def _check_profile(settings: Settings) -> None:
    if settings.profile not in PORTS:
        raise StartFailed("PORTAL_PROFILE must be all, admin or user.")
    if settings.profile == "user":
        _check_user_server(settings)


def _check_identity(settings: Settings) -> None:
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
    for name in ("identity_roles", "identity_groups"):
        for entry in pairs(getattr(settings, name)):
            if not all(entry):
                raise StartFailed("{name} must have the form group=name;group=name.", name=variable(name))


def _check_logs(settings: Settings) -> None:
    if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise StartFailed("PORTAL_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if settings.log_format not in ("", "json", "text"):
        raise StartFailed("PORTAL_LOG_FORMAT must be json or text.")


def _check_stores(settings: Settings) -> None:
    if settings.database_url and not settings.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise StartFailed("PORTAL_DATABASE_URL must start with postgresql:// or sqlite:///.")
    if settings.redis_url and not settings.redis_url.startswith(("redis://", "rediss://")):
        raise StartFailed("PORTAL_REDIS_URL must start with redis:// or rediss://.")
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


def _check_mail(settings: Settings) -> None:
    if settings.smtp_security not in ("starttls", "tls", "none"):
        raise StartFailed("PORTAL_SMTP_SECURITY must be starttls, tls or none.")
    if settings.smtp_host and not re.fullmatch(r"[^@\s]+@[^@\s]+", settings.smtp_from):
        raise StartFailed("PORTAL_SMTP_HOST needs PORTAL_SMTP_FROM too, a mail address.")
    if settings.smtp_user and not settings.smtp_password_file:
        raise StartFailed("PORTAL_SMTP_USER needs PORTAL_SMTP_PASSWORD_FILE too.")
    if settings.smtp_user and settings.smtp_security == "none":
        raise StartFailed("PORTAL_SMTP_USER needs PORTAL_SMTP_SECURITY starttls or tls: without it the password could be read on its way.")
