"""Connect to one Elasticsearch server: a client with limits, version checks, and one sentence for each problem."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import StartFailed, Unavailable

log = logging.getLogger(__name__)

OLDEST_SERVER = 9
SEARCH_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
CONNECTIONS = 10

_TOO_OLD = (
    "Elasticsearch at {address} is version {version}; the portal needs 9. "
    "Upgrade it, or leave PORTAL_ELASTICSEARCH_URL empty to search with the embedded index."
)
_NO_KEY = (
    "Elasticsearch at {address} requires authentication. Set PORTAL_ELASTICSEARCH_API_KEY to an API key that can write to the portal's "
    "indices."
)
_WRONG_KEY = (
    "Elasticsearch at {address} rejected the API key or password. Set PORTAL_ELASTICSEARCH_API_KEY to the encoded form of a valid key."
)
_NO_RIGHTS = (
    "The portal's API key or user lacks permissions in Elasticsearch at {address}. Grant it the cluster privilege monitor and all "
    "privileges on indices whose names begin with {prefix}."
)
_OTHER_PRODUCT = (
    "The server at {address} is {product}, which is not Elasticsearch. "
    "Set PORTAL_ELASTICSEARCH_URL to an Elasticsearch 9, or leave it empty to search with the embedded index."
)
_UNTRUSTED = (
    "The certificate of Elasticsearch at {address} is not trusted ({reason}). Set PORTAL_ELASTICSEARCH_CA to the CA that signed it, and "
    "use a name from the certificate in PORTAL_ELASTICSEARCH_URL."
)


class ElasticsearchServer:
    """Connects on first use. url: one address, with name and password in it if the server needs them.

    Raises StartFailed for a CA file that cannot be used.
    """

    def __init__(self, url: str, *, api_key: str | None = None, ca_file: str | None = None, prefix: str = "glm-portal") -> None:
        # Imported here: the client takes 55 MB and most of a second, which a portal with the embedded index need not pay.
        import elasticsearch

        parts = urlsplit(url)
        self.address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self.prefix = prefix
        self._errors = elasticsearch
        self._known = bool(api_key or parts.username)
        trust: dict[str, Any] = {"ssl_context": _trusting(ca_file)} if ca_file and parts.scheme == "https" else {}
        self.client = elasticsearch.Elasticsearch(
            url, api_key=api_key, request_timeout=SEARCH_TIMEOUT_S, max_retries=1, connections_per_node=CONNECTIONS, **trust
        )
        self.writer = self.client.options(request_timeout=WRITE_TIMEOUT_S)

    def check(self) -> None:
        """Raise Unavailable with a sentence if the portal cannot use the server."""
        with self.available():
            version = self.client.info()["version"]["number"]
            if int(version.split(".")[0]) < OLDEST_SERVER:
                raise Unavailable(_TOO_OLD, address=self.address, version=version)

    def bulk(self, operations: Sequence[dict[str, Any]]) -> list[str | None]:
        """Apply all actions; return for each why the server rejects it permanently, or None. Raises Unavailable if it may work later."""
        with self.available():
            answer = self.writer.bulk(operations=operations)
        if not answer["errors"]:
            return [None] * len(answer["items"])
        return [self._refusal(outcome) for item in answer["items"] for outcome in item.values()]

    def _refusal(self, outcome: dict[str, Any]) -> str | None:
        status = outcome["status"]
        if status < 300 or status == 409:  # 409: the index has a newer version.
            return None
        error = outcome["error"]
        if status == 400:
            return f"{error['type']}: {error['reason']}"
        log.warning("Elasticsearch could not write: %s: %s", error["type"], error["reason"])
        raise Unavailable("Elasticsearch at {address} cannot write at the moment ({reason}).", address=self.address, reason=error["type"])

    def close(self) -> None:
        self.client.close()

    @contextmanager
    def available(self) -> Iterator[None]:
        """Turn the client's errors into one sentence about this server."""
        errors = self._errors
        try:
            yield
        except errors.UnsupportedProductError as error:
            raise self._other_product(error.body) from error
        except errors.AuthenticationException as error:
            raise Unavailable(_WRONG_KEY if self._known else _NO_KEY, address=self.address) from error
        except errors.AuthorizationException as error:
            raise Unavailable(_NO_RIGHTS, address=self.address, prefix=self.prefix) from error
        except errors.ApiError as error:
            if "media_type_header_exception" in str(error):  # How versions 8 and 7 reject the client's version.
                raise Unavailable(_TOO_OLD, address=self.address, version="8 or older") from error
            # The reason may quote a search query.
            log.warning("Elasticsearch at %s answered %s: %s", self.address, error.meta.status, error.message)
            raise Unavailable("Search is unavailable: Elasticsearch at {address} is not responding.", address=self.address) from error
        except errors.SSLError as error:
            raise Unavailable(_UNTRUSTED, address=self.address, reason=_certificate_trouble(error)) from error
        except errors.TransportError as error:
            log.warning("Elasticsearch at %s failed: %s", self.address, error)
            raise Unavailable("Search is unavailable: Elasticsearch at {address} is not responding.", address=self.address) from error

    def _other_product(self, body: object) -> Unavailable:
        """Return the error for another product, or a release before 7.14: the server did not identify itself as Elasticsearch."""
        version = body.get("version") if isinstance(body, dict) else None
        version = version if isinstance(version, dict) else {}
        number = str(version.get("number", ""))
        if str(version.get("distribution", "")).lower() == "opensearch":
            return Unavailable(_OTHER_PRODUCT, address=self.address, product=f"OpenSearch {number}".strip())
        if isinstance(body, dict) and body.get("tagline") == "You Know, for Search":
            return Unavailable(_TOO_OLD, address=self.address, version=number)
        return Unavailable(_OTHER_PRODUCT, address=self.address, product="something else")


def _trusting(ca_file: str) -> ssl.SSLContext:
    """Create a TLS context that verifies chain and host name with this CA alone."""
    try:
        return ssl.create_default_context(cafile=Path(ca_file).expanduser())
    except OSError as problem:  # ssl.SSLError is an OSError.
        reason = problem.strerror if not isinstance(problem, ssl.SSLError) else "it holds no certificate"
        raise StartFailed("PORTAL_ELASTICSEARCH_CA {path} cannot be used: {reason}.", path=ca_file, reason=reason) from problem


def _certificate_trouble(error: BaseException) -> str:
    """Return OpenSSL's reason, which the client and its library wrap several times."""
    looked_at: list[BaseException] = [error]
    for each in looked_at:
        if isinstance(each, ssl.SSLCertVerificationError):
            return str(each.verify_message).rstrip(".")
        inside = (*getattr(each, "errors", ()), *each.args, each.__cause__, each.__context__)
        looked_at += [one for one in inside if isinstance(one, BaseException) and one not in looked_at]
    return "the TLS connection failed"
