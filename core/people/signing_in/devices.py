"""Remember browsers that someone signed in with, so that other people's wrong passwords do not lock the person out.

The device cookie proves nobody's identity. Attempts from this device are only counted apart from everyone else's.
"""

from __future__ import annotations

import secrets

from core.clock import Clock
from core.people.records import Device, User
from core.people.sessions import token_hash
from core.unit_of_work import UnitOfWorkFactory

DEVICE_COOKIE = "glm_portal_device"
DEVICE_DAYS = 180
MAX_DEVICES = 20
"""Devices per person; the one unused for longest is forgotten."""


class Devices:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def remember(self, user: User, token: str | None) -> str:
        """Return the token of the device that `user` has just signed in with: the existing one if it is this person's, else a new one."""
        now = self._clock()
        with self._unit_of_work() as work:
            if token and work.devices.user_id(token_hash(token)) == user.id:
                work.devices.use(token_hash(token), now)
            else:
                token = secrets.token_urlsafe(32)
                work.devices.add(Device(token_hash=token_hash(token), user_id=user.id, created_at=now, used_at=now))
                work.devices.keep_newest(user.id, MAX_DEVICES)
            work.commit()
        return token
