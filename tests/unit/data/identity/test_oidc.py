"""Logout tokens of an identity provider that this test plays, signed with its real key."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from core.errors import InvalidInput
from data.identity.oidc import OidcProvider

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}
KEY = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})


class Issuer:
    def __init__(self) -> None:
        self.reads: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.reads.append(self.path)
                found = {"issuer": outer.address, "jwks_uri": f"{outer.address}/keys"} if "well-known" in self.path else outer.keys
                body = json.dumps(found).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.keys = {"keys": [KEY.as_dict(private=False)]}
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, key: RSAKey = KEY, **changes: object) -> str:
        now = int(time.time())
        claims = {"iss": self.address, "aud": "portal", "sub": "eva", "iat": now, "exp": now + 60, "jti": "1", "events": EVENTS} | changes
        return jwt.encode({"alg": "RS256", "kid": "1"}, {name: each for name, each in claims.items() if each is not None}, key)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def provider(issuer: Issuer) -> OidcProvider:
    return OidcProvider(issuer.address, "portal", "secret", "groups")


def test_a_logout_token_names_the_person_and_itself(issuer: Issuer, provider: OidcProvider) -> None:
    ended = provider.ended(issuer.token(sid="s"))
    assert (ended.subject, ended.session, ended.token_id) == ("eva", "s", "1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://other.example"}, {"aud": "other"}, {"aud": ["other"]}, {"aud": None}, {"azp": "other"},
        {"nonce": "n"}, {"nonce": ""}, {"jti": None}, {"jti": ""}, {"jti": 1}, {"events": None}, {"events": {}}, {"events": "x"},
        {"sub": None}, {"iat": None}, {"iat": 0}, {"iat": int(time.time()) + 3600}, {"exp": 1}, {"exp": "soon"},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_logout_token_is_refused(issuer: Issuer, provider: OidcProvider, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        provider.ended(issuer.token(**wrong))


def test_forged_tokens_do_not_make_the_portal_read_the_keys_each_time(issuer: Issuer, provider: OidcProvider) -> None:
    forged = issuer.token(RSAKey.generate_key(2048, {"kid": "2"}))
    for _ in range(5):
        with pytest.raises(InvalidInput):
            provider.ended(forged)
    assert issuer.reads.count("/keys") == 1


def test_new_keys_are_read_when_a_token_needs_them(issuer: Issuer, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.ended(issuer.token())
    new = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
    issuer.keys = {"keys": [new.as_dict(private=False)]}
    later = time.monotonic() + 11
    monkeypatch.setattr("data.identity.oidc.time.monotonic", lambda: later)
    assert provider.ended(issuer.token(new)).subject == "eva"
