"""Define people, roles, sessions and API keys. All times are timezone-aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    CHAT = "chat"
    RATE = "rate"
    UPLOAD = "upload"
    EXPORT = "export"
    DETECT = "detect"
    """Find boxes on images."""
    MEMORY = "memory"
    """Have facts remembered from chat to chat."""
    RUN_TASKS = "run_tasks"
    """Order tasks, whose steps run in the background."""
    VIEW_USAGE = "view_usage"
    MANAGE_ALERTS = "manage_alerts"
    REVIEW_FEEDBACK = "review_feedback"
    SET_UP_REVIEW = "set_up_review"
    """Decide what raters and reviewers are asked, and whether names are hidden."""
    RUN_MODELS = "run_models"
    MANAGE_PEOPLE = "manage_people"
    READ_AUDIT = "read_audit"
    RUN_STORE = "run_store"
    RUN_PLUGINS = "run_plugins"


class Scope(StrEnum):
    """What an API key may be used for, within what its person may do."""

    CHAT = "chat"
    MODELS = "models"
    FEEDBACK = "feedback"
    USAGE = "usage"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """The API key that a request came with."""

    id: str
    scopes: frozenset[Scope]
    requests_per_minute: int | None = None
    """None: no separate limit."""
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    """The sign-in name; lower case, unique."""
    full_name: str
    role: str
    """A `Role`, or the name of a custom role."""
    group: str
    """The name of the group; empty: none."""
    active: bool
    created_at: datetime
    language: str | None = None
    """"en", "zh", or None: follow the browser."""
    last_seen_at: datetime | None = None
    granted: frozenset[Permission] | None = None
    """What a custom role grants; None for a built-in role."""
    withheld: frozenset[Permission] = frozenset()
    """Features that the group withholds."""
    review_groups: frozenset[str] | None = None
    """The groups whose cases this person may review; None: all. It does not bind those who manage people: see `reviewed_groups`."""
    must_enrol: bool = False
    """The role must use a second factor, and this person has none yet: nothing is allowed before. Never stored."""
    key: KeyInUse | None = None
    """Set if this request came with an API key: rights and limits are then the key's too. Never stored."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the sign-in check needs. It never leaves core and data."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """Password attempts for one name, address, device or person."""

    count: int
    began_at: datetime
    """Time of the first attempt in the window."""


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that someone signed in with."""

    token_hash: str
    """SHA-256, in hex, of the random token in its cookie."""
    user_id: str
    created_at: datetime
    used_at: datetime


class ProofPurpose(StrEnum):
    """What a stored proof of an identity is for."""

    TICKET = "ticket"
    """A browser trades it for its session cookie."""
    HANDLE = "handle"
    """A user server opens a session with it."""


@dataclass(frozen=True, slots=True)
class StoredProof:
    """A proof of an identity that waits until it is used, once."""

    token_hash: str
    """SHA-256, in hex, of the random token that stands for it."""
    purpose: ProofPurpose
    user_id: str
    mark: str
    second_factor: bool
    outside_session: str
    expires_at: datetime


class SessionKind(StrEnum):
    BROWSER = "browser"
    API = "api"


@dataclass(frozen=True, slots=True)
class Session:
    token_hash: str
    """SHA-256, in hex, of the random token; the token itself is not stored."""
    user_id: str
    kind: SessionKind
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    """When it was used last, to the minute; None: opened by an earlier version and not used since."""
    address: str = ""
    """The address from which it was opened."""
    agent: str = ""
    """What the browser or program called itself."""
    outside_session: str = ""
    """The session at the provider that it was opened by, if one did."""

    @property
    def id(self) -> str:
        """Return a name for lists, which does not open the session."""
        return self.token_hash[:32]


class KeyState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session is opened from."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    id: str
    user_id: str
    name: str
    prefix: str
    """How the key begins, to recognize one that was found somewhere."""
    token_hash: str
    """SHA-256, in hex, of the whole key; the key itself is not stored."""
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    """None: no separate limit."""
    tokens_per_minute: int | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        if self.revoked_at is not None:
            return KeyState.REVOKED
        return KeyState.EXPIRED if self.expires_at is not None and self.expires_at <= now else KeyState.ACTIVE


@dataclass(frozen=True, slots=True)
class OwnedKey:
    """An API key, and the sign-in name of its person."""

    key: ApiKey
    owner_name: str


class Role(StrEnum):
    """The built-in roles."""

    ANALYST = "analyst"
    REVIEWER = "reviewer"
    MANAGER = "manager"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class CustomRole:
    """A role that an admin made from permissions."""

    name: str
    permissions: frozenset[Permission]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A team or department. Its members are the people whose `group` is its name."""

    id: str
    name: str
    created_at: datetime
    withheld: frozenset[Permission] = frozenset()
    """Features that its members may not use, whatever their role grants."""
    managers: tuple[str, ...] = ()
    """User names, sorted."""
    shares_results: bool = False
    """Whether the result cache may give a member the answer to the same request of another member."""
    improves_models: bool = False
    """Whether chats of members may be used to improve models, unless a member refuses."""
