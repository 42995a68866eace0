"""Elasticsearch behind TLS and API keys: a real node, with nginx in front of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from core.errors import StartFailed, Unavailable
from core.search.records import SearchQuery
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.elasticsearch.server import ElasticsearchServer
from data.search.port import Document
from samples.servers.elasticsearch_node import ElasticsearchNode
from samples.servers.tls_proxy import GOOD_KEY, WEAK_KEY, TlsProxy
from tests.store.things import NOW


@pytest.fixture(scope="module")
def proxy(elasticsearch_node: ElasticsearchNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsProxy]:
    opened = TlsProxy(elasticsearch_node.url, tmp_path_factory.mktemp("tls"))
    yield opened
    opened.close()


def refusal(url: str, key: str | None, ca: Path | None) -> str:
    """Return what the portal says instead of using the server."""
    server = ElasticsearchServer(url, api_key=key, ca_file=str(ca) if ca else None)
    with pytest.raises(Unavailable) as caught:
        server.check()
    server.close()
    return str(caught.value)


def test_the_right_key_and_ca_index_and_find(proxy: TlsProxy) -> None:
    index = ElasticsearchIndex(proxy.url, api_key=GOOD_KEY, ca_file=str(proxy.ca), prefix=f"test-{uuid4().hex[:12]}")
    index.prepare()
    assert index.put([Document("message", "m1", 1, "什么是债券 bond", "ana", "c1", NOW)]) == {}
    index.refresh()
    assert [hit.id for hit in index.search(SearchQuery("债券", "message", "ana"))] == ["m1"]
    index.close()


def test_a_certificate_of_another_ca_is_refused_in_words(proxy: TlsProxy) -> None:
    said = refusal(proxy.url, GOOD_KEY, proxy.other_ca)
    assert "is not trusted (unable to get local issuer certificate)" in said and "PORTAL_ELASTICSEARCH_CA" in said


def test_without_a_ca_file_a_company_s_own_certificate_is_refused(proxy: TlsProxy) -> None:
    assert "is not trusted (" in refusal(proxy.url, GOOD_KEY, None)


def test_a_certificate_for_another_host_is_refused_in_words(proxy: TlsProxy) -> None:
    said = refusal(proxy.foreign_url, GOOD_KEY, proxy.ca)
    assert "is not valid for '127.0.0.1'" in said and "PORTAL_ELASTICSEARCH_URL" in said


def test_a_missing_key_is_asked_for(proxy: TlsProxy) -> None:
    assert "Set PORTAL_ELASTICSEARCH_API_KEY" in refusal(proxy.url, None, proxy.ca)


def test_a_wrong_key_is_reported_and_not_shown(proxy: TlsProxy) -> None:
    said = refusal(proxy.url, "d3Jvbmc6a2V5", proxy.ca)
    assert "rejected the API key" in said and "d3Jvbmc6a2V5" not in said


def test_a_key_without_rights_is_told_what_it_needs(proxy: TlsProxy) -> None:
    assert "all privileges on indices whose names begin with glm-portal" in refusal(proxy.url, WEAK_KEY, proxy.ca)


def test_plain_http_to_a_tls_port_does_not_hang(proxy: TlsProxy) -> None:
    began = time.monotonic()
    assert "is not responding" in refusal(proxy.url.replace("https", "http"), GOOD_KEY, None)
    assert time.monotonic() - began < 60


def test_a_ca_file_that_cannot_be_used_stops_the_start(proxy: TlsProxy, tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match=r"PORTAL_ELASTICSEARCH_CA .* cannot be used: No such file"):
        ElasticsearchServer(proxy.url, ca_file=str(tmp_path / "nowhere.pem"))
    (tmp_path / "empty.pem").write_text("not a certificate")
    with pytest.raises(StartFailed, match="it holds no certificate"):
        ElasticsearchServer(proxy.url, ca_file=str(tmp_path / "empty.pem"))
