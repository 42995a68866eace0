"""Notices of a provider that someone logged out there."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from core.errors import InvalidInput
from core.identity.outside_accounts import OutsideAccounts
from core.identity.ports import IdentityProvider
from core.identity.records import EndedOutside
from core.identity.single_sign_on import SingleSignOn
from core.people.records import SessionKind, User
from core.people.sessions import Proof, Sessions
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock


class Provider:
    source = "oidc here"

    def ended(self, token: str) -> EndedOutside:
        return EndedOutside(source=self.source, subject="eva", token_id=token)


@pytest.fixture
def sessions(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Sessions:
    return Sessions(unit_of_work, clock, timedelta(hours=12))


def test_a_notice_that_comes_again_ends_no_later_session(
    unit_of_work: UnitOfWorkFactory, clock: MovingClock, sessions: Sessions, ana: User
) -> None:
    provider, accounts = cast(IdentityProvider, Provider()), cast(OutsideAccounts, None)
    sign_on = SingleSignOn(unit_of_work, clock, provider, accounts, sessions, "http://here", "Here")
    with unit_of_work() as work:
        work.outside_identities.link(Provider.source, "eva", ana.id)
        work.commit()
    first = sessions.open(Proof(ana), SessionKind.BROWSER)
    sign_on.ended("notice 1")
    assert sessions.user(first) is None
    second = sessions.open(Proof(ana), SessionKind.BROWSER)
    clock.forward(minutes=9)
    with pytest.raises(InvalidInput):
        sign_on.ended("notice 1")
    assert sessions.user(second) == ana
    sign_on.ended("notice 2")
    assert sessions.user(second) is None
