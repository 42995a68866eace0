from __future__ import annotations

import asyncio

from api.middleware.stranger_sockets import until_idle


def test_a_page_that_says_nothing_is_closed() -> None:
    sent: list[dict[str, object]] = []

    async def nothing():
        await asyncio.Event().wait()

    async def send(message) -> None:
        sent.append(message)

    assert asyncio.run(until_idle(nothing, send, 0.05)())["type"] == "websocket.disconnect"
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_one_that_says_something_in_time_is_not() -> None:
    sent: list[dict[str, object]] = []

    async def late():
        await asyncio.sleep(0.03)
        return {"type": "websocket.receive"}

    async def send(message) -> None:
        sent.append(message)

    async def several() -> list[str]:
        receive = until_idle(late, send, 60)
        return [(await receive())["type"] for _ in range(3)]

    assert asyncio.run(several()) == ["websocket.receive"] * 3 and sent == []
