"""Set the headers that restrict what the browser may do with each response.

The page policy is a second line of defence behind the rendering of messages: even if hostile content gets into a page, the browser loads
nothing from other hosts, sends nothing to them, and lets no other site frame the page.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Message

NAMES_NOBODY_NEEDS = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope", "hid",
    "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip

STREAMLIT_INLINE_SCRIPT = "'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='"
"""The only script in Streamlit's index.html; tests/functional/test_security_headers.py fails when it changes."""

PAGE = {
    "default-src": "'none'",
    # Streamlit loads the inline script of a component through blob:.
    "script-src": f"'self' blob: {STREAMLIT_INLINE_SCRIPT}",
    # Streamlit creates its styles at run time.
    "style-src": "'self' 'unsafe-inline'",
    "font-src": "'self' data:",
    "img-src": "'self' data: blob:",
    "media-src": "'none'",
    "connect-src": "'self'",
    "worker-src": "'none'",
    "frame-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
FILE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""The policy of uploaded files and of responses to programs: opened as a page, they may do nothing."""

SIGN_IN = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of the portal's small pages for single sign-on, which load nothing. A sandbox would keep them from opening the start page."""

_SIGN_IN = "/api/v1/oidc/"
_FILES = ("/media/", "/api/", "/v1/")

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in NAMES_NOBODY_NEEDS).encode()),
)


def page_policy(host: str) -> str:
    """Return the page policy. host: validated; older browsers apply 'self' to http only and need the websocket's address."""
    connect = f"'self' ws://{host} wss://{host}" if host else "'self'"
    return "; ".join(f"{name} {connect if name == 'connect-src' else value}" for name, value in PAGE.items())


def secured(message: Message, path: str, host: str) -> Message:
    """Add the headers to the start of a response without changing what the application may send again."""
    policy = SIGN_IN if path.startswith(_SIGN_IN) else FILE if path.startswith(_FILES) else page_policy(host)
    given: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
    ours = (*_ALWAYS, (b"content-security-policy", policy.encode()))
    names = {name for name, _value in ours}
    return {**message, "headers": [*((name, value) for name, value in given if name.lower() not in names), *ours]}
