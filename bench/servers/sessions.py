"""Measure the memory of the portal's process with people signed in, each with the chat page open. `./portal bench sessions`"""

from __future__ import annotations

import asyncio
import sys

import httpx
import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.portal_parts.portal import PASSWORD, Measured, running_portal, table

PEOPLE = 50


def cookie(portal: Measured, name: str) -> str:
    answer = httpx.post(f"{portal.url}/api/v1/session", json={"username": name, "password": PASSWORD}, timeout=60).raise_for_status()
    return f"glm_portal_session={answer.cookies['glm_portal_session']}"


async def open_page(portal: Measured, cookie: str) -> websockets.ClientConnection:
    """Open a browser's websocket: send the first rerun and read until the script has finished."""
    url = portal.url.replace("http", "ws") + "/_stcore/stream"
    protocol = websockets.Subprotocol("streamlit")
    socket = await websockets.connect(url, subprotocols=[protocol], additional_headers={"Cookie": cookie}, max_size=None)
    message = BackMsg()
    message.rerun_script.query_string = ""
    await socket.send(message.SerializeToString())
    async for raw in socket:
        forward = ForwardMsg()
        forward.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
        if forward.WhichOneof("type") == "script_finished":
            break
    return socket


async def measure(portal: Measured, count: int) -> list[tuple[str, float]]:
    """Return the memory in MB, by the number of people with an open chat page."""
    process = psutil.Process(portal.process.pid)
    rows = [("nobody signed in", process.memory_info().rss / 1e6)]
    names = [f"person{number}" for number in range(count)]
    await asyncio.to_thread(portal.add_people, names)
    cookies = [await asyncio.to_thread(cookie, portal, name) for name in names]
    sockets = []
    for each in cookies:
        sockets.append(await open_page(portal, each))
        if len(sockets) in (1, 10, count):
            rows.append((f"{len(sockets)} signed in, chat open", process.memory_info().rss / 1e6))
    for socket in sockets:
        await socket.close()
    return rows


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    with running_portal() as portal:
        rows = asyncio.run(measure(portal, count))
    table("Memory of the process with the built-in guide", ["", "MB"], [[name, f"{size:.0f}"] for name, size in rows])


if __name__ == "__main__":
    main()
