"""Known devices: a browser that somebody signed in with keeps a cookie, so that strangers' wrong passwords do not lock it out.

The cookie proves nobody's identity. It only has the tries of this device counted apart from those of everybody else.
"""

from __future__ import annotations

import secrets

from core.clock import Clock
from core.people.records import Device, User
from core.people.sessions import token_hash
from core.unit_of_work import Store

DEVICE_COOKIE = "glm_portal_device"
DEVICE_DAYS = 180
MOST_DEVICES = 20
"""Of one person; the one not used for longest is forgotten."""


class Devices:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def remember(self, user: User, token: str | None) -> str:
        """The token of the device that `user` has just signed in with: the one it has, if that is this person's, else a new one."""
        now = self._clock()
        with self._store() as work:
            if token and work.devices.user_id(token_hash(token)) == user.id:
                work.devices.use(token_hash(token), now)
            else:
                token = secrets.token_urlsafe(32)
                work.devices.add(Device(token_hash=token_hash(token), user_id=user.id, created_at=now, used_at=now))
                work.devices.keep_newest(user.id, MOST_DEVICES)
            work.commit()
        return token
