"""Open the identity provider and the directory of the settings. Their packages are imported only if they are used."""

from __future__ import annotations

import sys

import settings as portal_settings
from core.errors import StartFailed
from core.identity.ports import Directory, IdentityProvider
from core.identity.records import OutsideRules
from settings import Settings

PACKAGES = "requirements/identity.txt"


def outside_rules(settings: Settings) -> OutsideRules:
    default = settings.identity_default_role
    return OutsideRules(
        roles=portal_settings.pairs(settings.identity_roles),
        groups=portal_settings.pairs(settings.identity_groups),
        default_role="" if default == "none" else default,
        link_by_name=settings.identity_link_accounts,
    )


def open_provider(settings: Settings) -> IdentityProvider | None:
    """Return the OpenID Connect provider without contacting it; None if none is set. Raises StartFailed without its packages."""
    if not settings.oidc_issuer:
        return None
    try:
        from data.identity.oidc import OidcProvider
    except ImportError as problem:
        raise missing("PORTAL_OIDC_ISSUER", problem) from problem
    return OidcProvider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, settings.oidc_groups_claim)


def missing(setting: str, problem: ImportError, packages: str = PACKAGES) -> StartFailed:
    command = "{python} -m pip install --no-deps --require-hashes -r {file}"
    sentence = "{setting} needs packages that are not installed ({name}). Install them: " + command
    return StartFailed(sentence, setting=setting, name=problem.name, python=sys.executable, file=packages)


def open_directory(settings: Settings) -> Directory | None:
    """Return the directory without contacting it; None if none is set. Raises StartFailed without its packages."""
    if not settings.ldap_url:
        return None
    try:
        from data.identity.ldap import LdapDirectory, LdapSettings
    except ImportError as problem:
        raise missing("PORTAL_LDAP_URL", problem) from problem
    return LdapDirectory(
        LdapSettings(
            url=settings.ldap_url,
            start_tls=settings.ldap_start_tls and settings.ldap_url.startswith("ldap://"),
            ca_file=settings.ldap_ca,
            bind_dn=settings.ldap_bind_dn,
            bind_password=settings.ldap_bind_password,
            base=settings.ldap_base,
            user_filter=settings.ldap_user_filter,
        )
    )
