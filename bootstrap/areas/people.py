"""Build the services of people: accounts, sign-in, groups and roles, and the audit log."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

import settings as portal_settings
from bootstrap.foundation import Foundation
from bootstrap.identity import open_directory, open_provider, outside_rules
from core.access.audit_chain import AuditChain
from core.access.groups import Groups
from core.access.roles import Roles
from core.identity.directory import DirectoryAccounts
from core.identity.outside_accounts import OutsideAccounts
from core.identity.second_factor import SecondFactors
from core.identity.single_sign_on import SingleSignOn
from core.notices.service import Notices
from core.people.accounts import Accounts
from core.people.api_keys import ApiKeys
from core.people.audit import AuditTrail
from core.people.ports import PasswordHasher
from core.people.session_watch import SessionWatch
from core.people.sessions import Sessions
from core.people.signing_in.devices import Devices
from core.people.signing_in.fair_pool import FairPool
from core.people.signing_in.sign_in import PooledHasher, SignIn, open_pool
from data.passwords import Argon2Hasher


@dataclass(frozen=True, kw_only=True)
class PeopleServices:
    accounts: Accounts
    roles: Roles
    groups: Groups
    sign_in: SignIn
    sessions: Sessions
    second_factors: SecondFactors
    single_sign_on: SingleSignOn
    directory: DirectoryAccounts | None
    api_keys: ApiKeys
    session_watch: SessionWatch
    devices: Devices
    notices: Notices
    audit: AuditTrail
    audit_chain: AuditChain
    passwords: FairPool


def build_people(base: Foundation, hasher: PasswordHasher | None) -> PeopleServices:
    """Build the services of people. Raises StartFailed if packages for the identity provider or the directory are missing."""
    settings, unit_of_work, clock = base.settings, base.unit_of_work, base.clock
    hasher, passwords = hasher or Argon2Hasher(), open_pool(os.cpu_count() or 1)
    factor_roles = portal_settings.listed(settings.second_factor_roles)
    idle = timedelta(minutes=settings.session_idle_minutes) or None
    accounts = Accounts(unit_of_work, PooledHasher(hasher, passwords), clock)
    sessions = Sessions(unit_of_work, clock, timedelta(hours=settings.session_hours), idle, factor_roles)
    outside = OutsideAccounts(unit_of_work, clock, accounts, hasher, outside_rules(settings))
    provider, directory = open_provider(settings), open_directory(settings)
    in_directory = DirectoryAccounts(unit_of_work, directory, outside, accounts) if directory is not None else None
    services = PeopleServices(
        accounts=accounts,
        roles=Roles(unit_of_work, clock),
        groups=Groups(unit_of_work, clock),
        sign_in=SignIn(unit_of_work, hasher, clock, passwords, in_directory),
        sessions=sessions,
        second_factors=SecondFactors(unit_of_work, clock, factor_roles),
        single_sign_on=SingleSignOn(unit_of_work, clock, provider, outside, sessions, settings.public_url, settings.oidc_name),
        directory=in_directory,
        api_keys=ApiKeys(unit_of_work, clock),
        session_watch=SessionWatch(unit_of_work, clock),
        devices=Devices(unit_of_work, clock),
        notices=Notices(unit_of_work, clock),
        audit=AuditTrail(unit_of_work, base.index, base.index_worker, clock, names_hidden=base.settings.masked_review),
        audit_chain=AuditChain(unit_of_work, clock),
        passwords=passwords,
    )
    base.run_jobs_of(services.audit_chain, *([in_directory] if in_directory is not None else []))
    return services
