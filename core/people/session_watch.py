"""End what is still running for a session or an API key once that has ended, on any server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from itertools import count

from core.clock import Clock
from core.errors import NotAllowed, NotSignedIn, PortalError
from core.people.api_keys import valid_tokens
from core.people.records import Permission, User
from core.people.sessions import token_hash
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

EVERY_S = 2.0
ENDED = "This API key, token or session is not valid, or has ended. Sign in again, or use another key."
NEW_ROLE = "Your role was changed while this was running. Try again."
End = Callable[[PortalError], None]


class SessionWatch:
    """Checks on one thread every session and key for which something runs. Thread-safe.

    What runs ends with its session or key, and also when the person gets another role, or their custom role loses a permission.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._followed: dict[int, tuple[str, User | None, End]] = {}
        self._numbers = count()
        self._stopped: PortalError | None = None
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def follow(self, token: str, end: End, user: User | None = None) -> Callable[[], None]:
        """Call `end` once, with the reason, when this token's session is over or everything stops. Returns a function that unsubscribes.

        user: the person, with the rights when this began. None: as found at the first look.
        """
        number = next(self._numbers)
        with self._changed:
            stopped = self._stopped
            if stopped is None:
                self._followed[number] = (token_hash(token), user, end)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="session-watch", daemon=True)
                    self._thread.start()
        if stopped is not None:
            end(stopped)

        def leave() -> None:
            with self._changed:
                self._followed.pop(number, None)

        return leave

    def stop(self, reason: PortalError) -> None:
        """End everything that is followed, now and in future."""
        with self._changed:
            if self._stopped is None:
                self._stopped = reason
            ends = [end for _, _, end in self._followed.values()]
            self._followed.clear()
            self._changed.notify_all()
        for end in ends:
            end(reason)

    def _run(self) -> None:
        roles: dict[int, str] = {}
        """The role of each that is followed, when it began."""
        granted: dict[int, frozenset[Permission]] = {}
        """What that role granted then; nothing for a built-in role, which never changes."""
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._stopped is not None, EVERY_S):
                    return
                followed = dict(self._followed)
            if not followed:
                continue
            try:
                with self._unit_of_work() as work:
                    live = valid_tokens(work, {hashed for hashed, _, _ in followed.values()}, self._clock())
                    custom = {role.name: frozenset(role.permissions) for role in work.roles.all()}
            except PortalError as problem:
                log.warning("sessions cannot be looked up, so their work continues: %s", problem)
                continue
            except Exception:
                log.exception("sessions could not be looked up, so their work continues")
                continue
            for number, (hashed, began_as, end) in followed.items():
                role = live.get(hashed)
                grants = custom.get(role or "", frozenset())
                if role is not None and number not in roles:
                    roles[number] = began_as.role if began_as is not None else role
                    granted[number] = (began_as.granted or frozenset()) if began_as is not None else grants
                if role is not None and roles[number] == role and granted[number] <= grants:
                    continue
                with self._changed:
                    here = self._followed.pop(number, None)
                if here is not None:
                    end(NotSignedIn(ENDED) if role is None else NotAllowed(NEW_ROLE))
            roles = {number: role for number, role in roles.items() if number in followed}
            granted = {number: permissions for number, permissions in granted.items() if number in followed}
