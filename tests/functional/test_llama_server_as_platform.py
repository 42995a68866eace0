"""llama.cpp's own server as a platform of the router. `./portal bench peer_platforms` has more servers."""

from __future__ import annotations

import pytest

from bench.engine import peers
from bench.engine_parts.sides import server
from bench.models.peer_platforms import GUIDE
from bench.portal_parts.peer_checks import PeerChecks


@pytest.mark.skipif(not peers.is_built(), reason="llama-server is not compiled: ./portal bench peers does it")
def test_llama_server_answers_through_the_router() -> None:
    with server(peers.llama_server(), GUIDE, slots=2, context=1024, threads=1) as one:
        checks = PeerChecks(f"http://127.0.0.1:{one.port}/v1", str(GUIDE), calls=False)
        problems = [each for each in checks.run() if each.problem]
        checks.close()
    assert problems == []
