"""Measure routing over three servers while one is killed and one slows down, and the router's cost. `./portal bench router [--questions N]`

The servers are samples/servers/models/model_server.py in separate processes: they answer at once, or after the requested pause. An answer
of four tokens is requested directly and through the router, in turns; then 16 chats ask a llama-server, directly and through the router;
then eight askers share three instances of one model.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.engine.peers import llama_server
from bench.engine_parts.sides import server
from bench.models.peer_platforms import GUIDE
from bench.portal_parts.portal import percentile, table
from core.errors import PortalError
from core.inference.requests import ChatMessage, ChatRole, Delta, Finished, GenerationRequest, SamplingParams
from models.platforms.configuration.reader import YamlConfigurationReader
from models.serving.routing.platform_router import PlatformRouter
from samples.fakes import FakeRouter
from samples.servers.models.model_server import Handler, ModelServer, fine, stream

QUESTIONS, ASKERS, INSTANCES, PAUSE_S = 1_000, 8, 3, 0.05
DIRECT = 300
CHATS, ANSWERS, LONG, ROUNDS = 16, 3, 128, 15
QUESTION = "How do I add a model?"
REQUEST = GenerationRequest(messages=(ChatMessage(ChatRole.USER, "Hello " * 200),), user_id="bench", model="glm")


def serve(seconds: float) -> None:
    """Run a server until the process is killed; it writes its port. seconds: pause before each answer; four times as long after `slow`."""
    pause = [seconds]

    def behave(handler: Handler) -> None:
        time.sleep(pause[0] * random.uniform(0.5, 1.5))
        stream(fine)(handler)

    server = ModelServer(("glm",))
    server.behave = behave
    print(server.port, flush=True)
    for line in sys.stdin:
        pause[0] = float(line)


class Instance:
    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        command = [sys.executable, "-m", "bench.models.router", "--serve", str(seconds)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def slow_down(self, seconds: float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def router_over(instances: list[Instance]) -> PlatformRouter:
    row = "- {{name: {name}, type: openai, base_url: 'http://127.0.0.1:{port}/v1', models: {{llm: [glm]}}}}\n"
    rows = "".join(row.format(name=each.name, port=each.port) for each in instances)
    router = PlatformRouter(FakeRouter())
    router.configure(YamlConfigurationReader("bench", {}).read(f"platforms:\n{rows}"))
    return router


def overhead(instance: Instance) -> tuple[list[float], list[float]]:
    """Return the seconds of each question, asked directly and through the router."""
    router = router_over([instance])
    connection = http.client.HTTPConnection("127.0.0.1", instance.port)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = json.dumps({"model": "glm", "messages": [{"role": "user", "content": REQUEST.messages[0].content}], "stream": True})
    direct, routed = [], []
    for number in range(DIRECT + 20):
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        while response.read1(65_536):
            pass
        between = time.perf_counter()
        list(router.start(REQUEST).events())
        if number >= 20:
            direct.append(between - began)
            routed.append(time.perf_counter() - between)
    router.close()
    return direct, routed


def throughput() -> list[list[str]]:
    """Ask llama-server with 16 chats, directly and through the router, in turns. Both sides read the stream and its JSON."""
    body = {
        "model": "glm", "messages": [{"role": "user", "content": QUESTION}], "stream": True, "max_tokens": LONG,
        "temperature": 0, "stream_options": {"include_usage": True},
    }  # fmt: skip
    request = GenerationRequest(
        messages=(ChatMessage(ChatRole.USER, QUESTION),), user_id="bench", model=str(GUIDE),
        params=SamplingParams(temperature=0, max_tokens=LONG),
    )  # fmt: skip
    with server(llama_server(), GUIDE, slots=CHATS, context=512, threads=1) as one:
        row = f"- {{name: one, type: openai, base_url: 'http://127.0.0.1:{one.port}/v1', limits: {{concurrent: {CHATS}}}}}\n"
        router = PlatformRouter(FakeRouter())
        router.configure(YamlConfigurationReader("bench", {}).read(f"platforms:\n{row}"))
        router.reload("one")

        def directly() -> int:
            connection = http.client.HTTPConnection("127.0.0.1", one.port)
            connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
            tokens = 0
            for line in connection.getresponse():
                if line.startswith(b"data: {"):
                    usage = json.loads(line[6:]).get("usage")
                    tokens = usage["completion_tokens"] if usage else tokens
            connection.close()
            return tokens

        def routed() -> int:
            return sum(each.usage.completion_tokens for each in router.start(request).events() if isinstance(each, Finished))

        sides: dict[str, Callable[[], int]] = {"directly": directly, "through the router": routed}
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        spent: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(ROUNDS + 1):
            for name, ask in sides.items():
                began, used = time.perf_counter(), time.process_time()
                with ThreadPoolExecutor(CHATS) as pool:
                    tokens = sum(pool.map(lambda _, ask=ask: sum(ask() for _ in range(ANSWERS)), range(CHATS)))
                if number:
                    speeds[name].append(tokens / (time.perf_counter() - began))
                    spent[name].append((time.process_time() - used) / tokens * 1e6)
        router.close()
    return [[name, f"{percentile(speeds[name], 0.5):,.0f}", f"{percentile(spent[name], 0.5):.0f} us"] for name in sides]


def trouble(questions: int) -> tuple[Counter[str], int, list[float], list[float]]:
    """Return answers by instance while all work, lost answers, and the seconds to the first token of answers that failed over and of all
    others."""
    instances = [Instance(f"i{number}", PAUSE_S) for number in range(INSTANCES)]
    router = router_over(instances)
    lock, left = threading.Lock(), list(range(questions))
    well: Counter[str] = Counter()
    lost, moved, others = [0], list[float](), list[float]()

    def ask() -> None:
        while True:
            with lock:
                if not left:
                    return
                number = left.pop(0)
                if number == questions // 3:
                    instances[0].slow_down(4 * PAUSE_S)
                if number == questions // 2:
                    instances[1].kill()
            running, began, first = router.start(REQUEST), time.perf_counter(), None
            try:
                for event in running.events():
                    if isinstance(event, Delta) and first is None:
                        first = time.perf_counter() - began
            except PortalError:
                first = None
            with lock:
                if first is None:
                    lost[0] += 1
                    continue
                failed = any("cannot be reached" in str(each) or "stopped" in str(each) for each in running.routing.left_out)  # type: ignore[union-attr]
                (moved if failed else others).append(first)
                if number < questions // 3:
                    well[running.platform] += 1

    threads = [threading.Thread(target=ask) for _ in range(ASKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    router.close()
    for instance in instances:
        instance.kill()
    return well, lost[0], moved, others


def milliseconds(value: float) -> str:
    return f"{value * 1000:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--serve", type=float, default=None, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve is not None:
        serve(chosen.serve)
        return
    instance = Instance("one", 0.0)
    direct, routed = overhead(instance)
    instance.kill()
    more = [after - before for before, after in zip(direct, routed, strict=True)]
    sides = (("directly", direct), ("through the router", routed), ("more", more))
    rows = [[name, milliseconds(percentile(values, 0.5)), milliseconds(percentile(values, 0.95))] for name, values in sides]
    table("A question of 200 words, an answer of four tokens", ["asked", "p50", "p95"], rows)
    head = ["asked", "tokens/s", "processor time of the asking side a token"]
    table(f"{CHATS} chats of {ANSWERS} answers, llama-server", head, throughput())
    well, lost, moved, others = trouble(chosen.questions)
    even = sum(well.values()) / INSTANCES
    apart = max(abs(well[f"i{number}"] - even) / even for number in range(INSTANCES))
    table(f"{chosen.questions} questions over {INSTANCES} instances, one slowed down, one killed", ["measure", "value"], [
        ["lost", lost],
        ["failed over before the first token", len(moved)],
        ["first token of those, p95", milliseconds(percentile(moved, 0.95)) if moved else "-"],
        ["first token of the others, p95", milliseconds(percentile(others, 0.95))],
        ["farthest from an even load, while all were well", f"{apart:.1%}"],
    ])  # fmt: skip


if __name__ == "__main__":
    main()
