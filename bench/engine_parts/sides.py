"""Run the three sides that can answer chats: the engine, llama-server, and one `Llama` behind a lock.

All get prompts as token ids and the same sampling, and stream. The cost of streaming is part of the answer: a thread per chat reads the
engine's streams, as in the portal; one thread that only counts reads llama-server's.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from collections.abc import Sequence as Row
from dataclasses import replace
from pathlib import Path

import httpx
import llama_cpp

import settings
from bench.engine.peers import LIBRARIES
from bench.engine_parts.chats import OFFLOAD_BYTES, PROCESSOR, TEMPERATURE, TOP_K, TOP_P, Answer, Device, Job
from bootstrap.models import loadable
from core.errors import PortalError
from core.inference.requests import Delta, Finished, SamplingParams
from core.models.load_settings import KvStreams, LoadSettings
from models.child.model import ChildModel
from models.engine.engine import Engine
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
from models.engine.sequence import Event, Sequence
from models.gguf.facts import read_facts
from models.gguf.memory_plan import plan_load
from samples.servers.ports import free_port


class EngineSide:
    name = "engine"

    def __init__(self, engine: Engine | ChildModel, backend: LlamaBackend | None) -> None:
        self.engine = engine
        self.backend = backend

    def run(self, jobs: Row[Job]) -> list[Answer]:
        answers = [Answer() for _ in jobs]
        begin = time.perf_counter()
        threads = []
        for index, job in sorted(enumerate(jobs), key=lambda one: one[1].at):
            time.sleep(max(0.0, begin + job.at - time.perf_counter()))
            answers[index].asked = time.perf_counter()
            params = SamplingParams(temperature=0 if job.seed is None else TEMPERATURE, top_k=TOP_K, top_p=TOP_P, seed=job.seed)
            sequence = self.engine.submit(list(job.prompt), params, job.tokens, job.user or str(index))
            threads.append(threading.Thread(target=self._read, args=(sequence, answers[index])))
            threads[-1].start()
        for thread in threads:
            thread.join()
        return answers

    def expect(self, held: Row[int], following: Row[int]) -> None:
        self.engine.prefetch(list(held), list(following))

    def cpu_s(self) -> float:
        return time.process_time()

    def _read(self, sequence: Sequence, answer: Answer) -> None:
        while not answer.tokens:
            self._take(sequence, sequence.events.get(), answer)

    @staticmethod
    def _take(sequence: Sequence, event: Event, answer: Answer) -> None:
        if isinstance(event, Delta):
            answer.stamps.append(time.perf_counter())
        elif isinstance(event, Finished):
            answer.ids = sequence.tokens[sequence.prompt_length :]
            answer.tokens = event.usage.completion_tokens
        elif isinstance(event, PortalError):
            raise event


def _planned(model: Path, *, slots: int, context: int, threads: int) -> BackendOptions:
    """Return the options with which the portal would load it on this machine's processor."""
    asked = LoadSettings(context=context, slots=slots, threads=threads, streams=KvStreams.SEPARATE, gpu_layers=0)
    planned = replace(plan_load(read_facts(model), asked).options, offload_bytes=OFFLOAD_BYTES, mtp=False)
    return loadable(settings.load().home, model, planned)


@contextlib.contextmanager
def engine(
    model: Path,
    *,
    slots: int,
    context: int,
    threads: int,
    mtp: bool = False,
    device: Device = PROCESSOR,
    **options: object,
) -> Iterator[EngineSide]:
    """Run the engine in this process. options: more options of the Engine."""
    loading = replace(_planned(model, slots=slots, context=context, threads=threads), mtp=mtp)
    backend = LlamaBackend(model, replace(loading, **device.loading))
    running = Engine(backend, model.name, **options)  # type: ignore[arg-type]
    running.start()
    # The engine must not measure costs while the other side answers, so let it do that first.
    while not running.settled:
        time.sleep(0.01)
    try:
        yield EngineSide(running, backend)
    finally:
        running.close()


@contextlib.contextmanager
def isolated(model: Path, *, slots: int, context: int, threads: int) -> Iterator[EngineSide]:
    """Run the engine in a separate process, read through its socket."""
    child = ChildModel(model.name, model, _planned(model, slots=slots, context=context, threads=threads))
    try:
        side = EngineSide(child, None)
        side.name = "isolated"
        yield side
    finally:
        child.close()


class ServerSide:
    name = "llama-server"

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._pid = pid

    def expect(self, held: Row[int], following: Row[int]) -> None:
        """Do nothing: this side takes no hints."""

    def cpu_s(self) -> float:
        user, system = Path(f"/proc/{self._pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def run(self, jobs: Row[Job]) -> list[Answer]:
        answers = [Answer() for _ in jobs]
        waiting = sorted(((job.at, index) for index, job in enumerate(jobs)), reverse=True)
        selector, open_ones = selectors.DefaultSelector(), 0
        begin = time.perf_counter()
        while waiting or open_ones:
            now = time.perf_counter() - begin
            while waiting and waiting[-1][0] <= now:
                index = waiting.pop()[1]
                answers[index].asked = time.perf_counter()
                channel = self._ask(jobs[index])
                selector.register(channel, selectors.EVENT_READ, (channel, answers[index], bytearray()))
                open_ones += 1
            for key, _ in selector.select(max(0.0, waiting[-1][0] - now) if waiting else None):
                if self._read(*key.data):
                    selector.unregister(key.fileobj)
                    open_ones -= 1
        return answers

    def _ask(self, job: Job) -> socket.socket:
        body = {
            "prompt": list(job.prompt), "n_predict": job.tokens, "stream": True, "top_k": TOP_K, "top_p": TOP_P,
            "temperature": 0 if job.seed is None else TEMPERATURE, "seed": job.seed or 0, "samplers": ["top_k", "top_p", "temperature"],
        }  # fmt: skip
        data = json.dumps(body).encode()
        head = "POST /completion HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Type: application/json\r\n"
        channel = socket.create_connection(("127.0.0.1", self.port))
        channel.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        return channel

    @staticmethod
    def _read(channel: socket.socket, answer: Answer, body: bytearray) -> bool:
        """Read what has arrived and count it; at the end, parse the answer and return True."""
        data = channel.recv(65536)
        if data:
            answer.stamps += [time.perf_counter()] * data.count(b"data: {")
            body += data
            return False
        channel.close()
        lines = [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]
        answer.tokens = lines[-1]["tokens_predicted"]
        answer.ids = [token for line in lines for token in line.get("tokens", ())]
        answer.stamps = answer.stamps[: answer.tokens]
        return True


@contextlib.contextmanager
def server(binary: Path, model: Path, *, slots: int, context: int, threads: int, device: Device = PROCESSOR) -> Iterator[ServerSide]:
    """Run llama-server with the same model and sizes as the engine."""
    port = free_port()
    shape = ["-np", str(slots), "-c", str(slots * context), "-t", str(threads), "-tb", str(threads), *device.switches]
    if not _planned(model, slots=slots, context=context, threads=threads).extra_buffers:
        shape.append("--no-repack")
    # Use the libraries of this process, whichever the binary was linked to.
    libraries = ":".join(each for each in (str(LIBRARIES), os.environ.get("LD_LIBRARY_PATH")) if each)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [binary, "-m", model, "--host", "127.0.0.1", "--port", str(port), "--no-warmup", *shape],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
        )
        try:
            deadline = time.perf_counter() + 120
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                        break
                if process.poll() is not None or time.perf_counter() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"llama-server did not start: {log.read()[-2000:].decode('utf-8', 'replace')}")
                time.sleep(0.05)
            yield ServerSide(port, process.pid)
        finally:
            process.terminate()
            process.wait(20)


class LockedSide:
    """llama-cpp-python's own class, which answers one request at a time."""

    name = "one Llama behind a lock"

    def __init__(self, model: Path, *, context: int, threads: int) -> None:
        self._llama = llama_cpp.Llama(str(model), n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False)
        self._lock = threading.Lock()

    def expect(self, held: Row[int], following: Row[int]) -> None:
        """Do nothing: this side takes no hints."""

    def cpu_s(self) -> float:
        return time.process_time()

    def run(self, jobs: Row[Job]) -> list[Answer]:
        answers = [Answer(time.perf_counter()) for _ in jobs]
        threads = [threading.Thread(target=self._answer, args=pair) for pair in zip(jobs, answers, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def _answer(self, job: Job, answer: Answer) -> None:
        with self._lock:
            stream = self._llama.create_completion(
                list(job.prompt), max_tokens=job.tokens, temperature=TEMPERATURE, top_k=TOP_K, top_p=TOP_P, min_p=0.0, seed=job.seed,
                repeat_penalty=1.0, stream=True,
            )  # fmt: skip
            for _ in stream:
                answer.stamps.append(time.perf_counter())
        answer.tokens = job.tokens
        answer.stamps = answer.stamps[: job.tokens]
