"""Measure the engine on an NVIDIA GPU beside llama-server. `./portal bench engine_gpu [--only PART ...] [--chats N ...]`

The model has GLM-4-9B's shape and Q4_K_M's mix of types, with random weights. Both sides run on one GPU with the same llama.cpp libraries,
and take turns. A call ends by itself: it lists the parts that did not fit into its time, with the command for each. `--device cpu --shape
small` runs everything without a GPU.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Row
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from bench.engine.peers import llama_server, with_cuda
from bench.engine_parts import blocks
from bench.engine_parts.bandwidth import CudaRuntime, host_copied
from bench.engine_parts.blocks import NINE, SMALL
from bench.engine_parts.chats import PROCESSOR, Device, Job, Side, speed
from bench.engine_parts.conversations import going_on
from bench.engine_parts.results import HEAD, processor, row, show, write
from bench.engine_parts.sides import EngineSide, ServerSide, engine, server
from bench.engine_parts.steps import share_outside, timed_steps
from bench.engine_parts.synthetic import FIRST_WORD, Shape, words
from bench.portal_parts.portal import ROOT, table
from cli.environment.engine_build import gpus
from core.errors import PortalError, StartFailed
from models import machine
from models.engine.llama import native
from models.gguf.memory_plan import BATCH_ON_GPU

COUNTS = {1: 256, 8: 256, 32: 192, 64: 128}
"""Tokens of each answer, by the number of concurrent chats."""
CONTEXT, PROMPT = 512, 24
SHAPES = {"9b": NINE, "small": SMALL}
GPU = Device(
    {"gpu_layers": 99, "flash_attention": "on", "split_mode": "none", "batch_tokens": BATCH_ON_GPU},
    ("-ngl", "99", "-fa", "on", "-ctk", "f16", "-ctv", "f16", "-sm", "none", "-mg", "0", "-b", str(BATCH_ON_GPU), "-fit", "off"),
)
WORK_SPACE = 3 << 30
"""Bytes of a GPU that both sides take beside weights and KV cache, a generous estimate."""


@dataclass
class Bench:
    shape: Shape
    chats: Row[int]
    repeats: int
    on_gpu: bool
    given: float | None
    """The memory's bytes per second, if known."""
    deadline: float
    ours: EngineSide
    theirs: ServerSide | None

    def prompt(self, rng: random.Random) -> list[int]:
        return [rng.randrange(FIRST_WORD, words(self.shape)) for _ in range(PROMPT)]

    def jobs(self, count: int, repeat: int) -> list[Job]:
        rng = random.Random(f"{count} {repeat}")
        return [Job(self.prompt(rng), COUNTS[count], seed=chat) for chat in range(count)]

    def in_turns(self, what: str, sides: Row[Side], measure: Callable[[Side, int], float]) -> dict[str, list[float]]:
        """Measure every side in each repeat; repeat -1 warms up. If time is short, there are fewer repeats, but at least one."""
        found: dict[str, list[float]] = {side.name: [] for side in sides}
        took = 0.0
        for repeat in range(-1, self.repeats):
            if repeat > 0 and time.perf_counter() + took > self.deadline:
                print(f"  {what}: {repeat} of {self.repeats} repeats, for the time is up", flush=True)
                break
            begin = time.perf_counter()
            values = [(side.name, measure(side, repeat)) for side in sides]
            took = time.perf_counter() - begin
            if repeat >= 0:
                for name, value in values:
                    found[name].append(value)
            shown = ", ".join(f"{name} {value:,.4g}" for name, value in values)
            left = self.deadline - time.perf_counter()
            print(f"  {what}, {f'repeat {repeat + 1}' if repeat >= 0 else 'warm-up'}: {shown} ({left:.0f} s left)", flush=True)
        return found

    @cached_property
    def limits(self) -> dict[str, float]:
        """Return the memory's bytes per second, by the way each figure was obtained."""
        if self.given:
            return {"as given": self.given}
        if not self.on_gpu:
            return {"copied": host_copied()}
        runtime = CudaRuntime()
        known = {"by clock and bus": runtime.peak(), "copied": runtime.copied()}
        return {how: limit for how, limit in known.items() if limit}


def throughput(bench: Bench, count: int) -> Iterator[list[str]]:
    assert bench.theirs is not None
    found = bench.in_turns(
        f"tok/s, {count} chats", (bench.ours, bench.theirs), lambda side, repeat: speed(side.run(bench.jobs(count, repeat)))
    )
    yield row(f"tok/s, {bench.shape.name}, {count} chats", found["engine"], "llama-server", found["llama-server"], ">= 1.0")


def python_share(bench: Bench, count: int) -> Iterator[list[str]]:
    """Measure a step without decode and synchronize, and the part of it that chooses tokens, which llama-server does too."""
    milliseconds: list[float] = []
    sampling: list[float] = []

    def measure(side: Side, repeat: int) -> float:
        with timed_steps(bench.ours, count) as steps:
            side.run(bench.jobs(count, repeat))
        if repeat >= 0:
            milliseconds.append(1000 * statistics.median(step.whole for step in steps))
            sampling.append(100 * sum(step.sampling for step in steps) / sum(step.whole for step in steps))
        return 100 * share_outside(steps)

    found = bench.in_turns(f"% of a step outside decode, {count} chats", (bench.ours,), measure)["engine"]
    of = f"of a step, {bench.shape.name}, {count} chats"
    yield [f"milliseconds {of}", show(milliseconds, 2), "", "", "", ""]
    yield [f"Python's % {of}: all but decode and synchronize", show(found, 1), "", "", "", "<= 3"]
    yield [f"% {of}: choosing tokens, a part of the former", show(sampling, 1), "", "", "", ""]


def bandwidth_share(bench: Bench) -> Iterator[list[str]]:
    """Measure the bytes that a token must read, times the tokens per second of one chat from its first token on, over the memory's
    bandwidth."""
    assert bench.theirs is not None
    limits = bench.limits
    needed = blocks.token_bytes(bench.shape, PROMPT + COUNTS[1] / 2)
    found = bench.in_turns("tok/s of one answer", (bench.ours, bench.theirs), lambda side, repeat: side.run(bench.jobs(1, repeat))[0].rate)
    for how, limit in limits.items():
        ours, theirs = ([100 * rate * needed / limit for rate in found[name]] for name in ("engine", "llama-server"))
        what = f"% of the memory's {limit / 1e9:,.0f} GB/s ({how}), {needed / 1e9:.3g} GB a token, 1 chat"
        yield row(what, ours, "llama-server", theirs, "", digits=1)


def scattered(bench: Bench, chats: int) -> Iterator[list[str]]:
    """Measure a full set of conversations, of which `chats` continue at once, different ones each time: their slots are rarely neighbours.
    """
    assert bench.theirs is not None
    what = f"tok/s, {chats} of {max(COUNTS)} chats, each time others"
    found = bench.in_turns(what, (bench.ours, bench.theirs), going_on(bench.shape, max(COUNTS), chats, 48))
    yield row(what, found["engine"], "llama-server", found["llama-server"], ">= 1.0")


SCATTERED = 8
PARTS = ("speed", "python", "bandwidth", "scattered")


def measures(only: Row[str], chats: Row[int]) -> list[tuple[str, Callable[[Bench], Iterator[list[str]]]]]:
    """Return each measure with the arguments that run it alone."""
    found: list[tuple[str, Callable[[Bench], Iterator[list[str]]]]] = []
    if "speed" in only:
        found += [(f"--only speed --chats {count}", partial(throughput, count=count)) for count in chats]
    if "python" in only:
        found.append((f"--only python --chats {max(chats)}", lambda bench: python_share(bench, max(chats))))
    if "bandwidth" in only:
        found.append(("--only bandwidth", bandwidth_share))
    if "scattered" in only:
        found.append(("--only scattered", lambda bench: scattered(bench, SCATTERED)))
    return found


def check_device(shape: Shape) -> str:
    """Return a description of the GPU. Raises StartFailed: no GPU, no CUDA build, not enough memory for both sides."""
    there = gpus()
    if not there:
        raise StartFailed(
            "There is no NVIDIA GPU here, or no driver for it: nvidia-smi lists none. "
            "To try the measurement without: ./portal bench engine_gpu --device cpu --shape small."
        )
    if not with_cuda():
        raise StartFailed(
            "The installed llama-cpp-python was compiled without CUDA. Put nvcc on the PATH (or into /usr/local/cuda/bin) and run "
            "./portal run: it compiles it again, for the GPU."
        )
    seen = native.gpus()
    if not seen:
        raise StartFailed("llama.cpp finds no GPU, though nvidia-smi does. Is CUDA_VISIBLE_DEVICES set, or the driver older than CUDA?")
    needed = 2 * (sum(tensor.bytes for tensor in blocks.tensors(shape)) + max(COUNTS) * CONTEXT * blocks.token_cells(shape)) + WORK_SPACE
    if seen[0].free_bytes < needed:
        raise StartFailed(
            "{name} has {free} GB free; both sides together take up to {needed} GB. End what else uses the GPU, or take a larger one.",
            name=seen[0].description, free=f"{seen[0].free_bytes / 1e9:.1f}", needed=f"{needed / 1e9:.1f}",
        )  # fmt: skip
    driver = there[0]["driver_version"]
    return (
        f"{seen[0].description}, {seen[0].total_bytes / 1e9:.0f} GB; driver {driver}, CUDA runtime {CudaRuntime().version}; {processor()}"
    )


@contextlib.contextmanager
def takes_gpu_memory(who: str, at_least: int, on_gpu: bool) -> Iterator[None]:
    """Check that what the block loads is in the GPU's memory."""
    before = native.gpus()[0].free_bytes if on_gpu else 0
    yield
    if on_gpu and (taken := before - native.gpus()[0].free_bytes) < at_least:
        complaint = "{who} took {taken} GB of the GPU's memory, less than the weights' {weights} GB: it does not run there."
        raise StartFailed(complaint, who=who, taken=f"{taken / 1e9:.1f}", weights=f"{at_least / 1e9:.1f}")


def _device(on_gpu: bool, gpu_sampling: bool) -> Device:
    device = GPU if on_gpu else PROCESSOR
    return replace(device, loading={**device.loading, "gpu_sampling": gpu_sampling})


def run(chosen: argparse.Namespace, begun: float) -> None:
    shape, on_gpu = SHAPES[chosen.shape], chosen.device == "gpu"
    device = check_device(shape) if on_gpu else f"{processor()}, no GPU"
    print(f"On {device}", flush=True)
    wanted = measures(chosen.only, chosen.chats)
    options = {"slots": max(COUNTS), "context": CONTEXT, "threads": chosen.threads, "device": _device(on_gpu, chosen.gpu_sampling)}
    weights = int(blocks.token_bytes(shape, 0))
    rows: list[list[str]] = []
    with contextlib.ExitStack() as stack:
        binary = llama_server() if set(chosen.only) & {"speed", "bandwidth", "scattered"} else None
        folder = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        model = folder / blocks.file_name(shape)
        if not model.exists():
            print(f"Writing {model.name}", flush=True)
            blocks.make(folder, shape)
        print(f"{model.name}: {model.stat().st_size / 1e9:.2f} GB ({time.perf_counter() - begun:.0f} s so far)", flush=True)
        with takes_gpu_memory("The engine", weights, on_gpu):
            ours = stack.enter_context(engine(model, **options))
        with takes_gpu_memory("llama-server", weights if binary else 0, on_gpu):
            theirs = stack.enter_context(server(binary, model, **options)) if binary else None
        given = chosen.bandwidth and chosen.bandwidth * 1e9
        bench = Bench(
            shape=shape,
            chats=chosen.chats,
            repeats=chosen.repeats,
            on_gpu=on_gpu,
            given=given,
            deadline=begun + 60 * chosen.minutes,
            ours=ours,
            theirs=theirs,
        )
        print(f"Both sides are loaded ({time.perf_counter() - begun:.0f} s so far)", flush=True)
        left_out = []
        for arguments, measure in wanted:
            if rows and time.perf_counter() > bench.deadline:
                left_out.append(arguments)
                continue
            for found in measure(bench):
                print("  ".join(found), flush=True)
                rows.append(found)
            facts = [
                f"device: {device}",
                f"model: {shape.name}'s shape at Q4_K_M, synthetic, {model.stat().st_size / 1e9:.2f} GB (bench/engine_parts/blocks.py)",
                f"both sides: {max(COUNTS)} slots of {CONTEXT} tokens at f16, prompts of {PROMPT}, {chosen.threads} threads, "
                + (f"llama-server {' '.join(GPU.switches)}" if on_gpu else "no GPU"),
                "the engine " + ("lets the GPU find the likeliest tokens" if chosen.gpu_sampling else "copies all logits"),
                f"median of up to {bench.repeats} (lowest-highest), sides in turns after a warm-up",
            ]
            if chosen.out:
                title = "The engine on a GPU" if on_gpu else "The engine's GPU measurement, tried without a GPU"
                write(chosen.out, title, "engine_gpu", time.perf_counter() - begun, facts, rows)
    table(f"The engine on {device}", HEAD, rows)
    if chosen.out:
        print(f"\nWritten to {chosen.out}")
    for arguments in left_out:
        print(f"There was no time for ./portal bench engine_gpu {arguments}")


def main() -> None:
    begun = time.perf_counter()
    parser = argparse.ArgumentParser(prog="./portal bench engine_gpu")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some of the measures")
    parser.add_argument("--chats", nargs="+", type=int, choices=COUNTS, default=tuple(COUNTS), help="how many at once")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=7.5, help="after which nothing new begins")
    parser.add_argument("--threads", type=int, default=max(1, machine.cores() - 1), help="of each side; as the portal plans")
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--shape", choices=SHAPES, default="9b")
    parser.add_argument("--gpu-sampling", action="store_true", help="the engine runs as with PORTAL_GPU_SAMPLING")
    parser.add_argument("--bandwidth", type=float, metavar="GB/S", help="of the memory, where the driver does not tell")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the model stays for the next call")
    parser.add_argument("--out", type=Path, help="where the table goes; default on a GPU: bench/results, named by what was measured")
    chosen = parser.parse_args()
    if chosen.out is None and chosen.device == "gpu":
        part = "-gpu-sampling" if chosen.gpu_sampling else ""
        part += "" if len(chosen.only) == len(PARTS) else "-" + "-".join(chosen.only)
        part += "" if len(chosen.chats) == len(COUNTS) else "-" + "-".join(map(str, chosen.chats))
        chosen.out = ROOT / "bench" / "results" / f"{datetime.now(UTC):%Y-%m-%d}-engine-gpu{part}.md"
    try:
        run(chosen, begun)
    except PortalError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
