"""Run ./portal model: list known models, download and quantize them, even while a portal runs. Runs inside the environment."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import settings as portal_settings
from bootstrap.transfers import Transfers, open_command
from cli.ending import ending
from cli.progress import Step, step
from core.errors import Conflict, ModelFailed, NotFound
from core.models.catalogue import Hub, Repository
from core.models.quantization import Precision
from core.tasks.records import Job, JobState

POLL_S = 0.5
KEPT = "Stopped. What has arrived is kept; type the same command to go on."


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)

    def command() -> int:
        with open_command(portal_settings.load()) as transfers:
            if asked.command == "list":
                _list(transfers)
            elif asked.command == "get":
                _get(transfers, asked)
            else:
                _quantize(transfers, asked)
        return 0

    return ending(command, when_stopped=KEPT)


def _parser() -> argparse.ArgumentParser:
    about = "Mirrors and tokens are read from HF_ENDPOINT, HF_TOKEN, MODELSCOPE_ENDPOINT and MODELSCOPE_API_TOKEN."
    parser = argparse.ArgumentParser(prog="./portal model", description=about)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the known models, and what fits this machine now")
    get = commands.add_parser("get", help="download a model into the models folder")
    get.add_argument("name", help="a known model, or owner/name of a repository")
    get.add_argument("--quantization", help="for example Q8_0; by default Q4_K_M")
    get.add_argument("--file", help="a model or file of a repository")
    get.add_argument("--hub", choices=[hub.value for hub in Hub], default=Hub.HUGGING_FACE.value)
    quantize = commands.add_parser("quantize", help="make a smaller file of an F32, F16 or BF16 file")
    quantize.add_argument("file", help="a name in the models folder, or a path")
    quantize.add_argument("precision", choices=[precision.value for precision in Precision])
    return parser


def _list(transfers: Transfers) -> None:
    for entry in transfers.downloads.known():
        for offer in transfers.downloads.plans(entry):
            plan, about = offer.plan, "about " if offer.quantization.estimated else ""
            fits = f"fits with {plan.slots} chats of {plan.context:,} tokens" if plan.fits else "does not fit now"
            size = f"{about}{offer.quantization.size_bytes / 1e9:.1f} GB"
            print(f"{entry.id.ljust(22)} {offer.quantization.name.ljust(12)} {size.rjust(14)}  {fits}")


def _get(transfers: Transfers, asked: argparse.Namespace) -> None:
    hub = Hub(asked.hub)
    try:
        if "/" in asked.name:
            wanted = asked.file or asked.quantization
            if wanted is None:
                raise NotFound("Name a file of {name} with --file, or a quantization with --quantization.", name=asked.name)
            job = transfers.downloads.order_file(None, Repository(hub, asked.name), wanted)
        else:
            job = transfers.downloads.order(None, asked.name, asked.quantization, hub)
    except Conflict:
        found = transfers.downloads.active(asked.name)
        if found is None:
            raise
        job = found
    transfers.worker.start()
    with step(f"Downloading {job.payload['name']}", f"Downloaded {job.payload['name']}") as shown:
        ended = _follow(transfers, job, shown)
    print(f"  {ended.result['path']}")


def _quantize(transfers: Transfers, asked: argparse.Namespace) -> None:
    typed = Path(asked.file).expanduser()
    path = typed if typed.exists() else transfers.folder / typed
    job = transfers.quantizing.order(None, path, Precision(asked.precision))
    transfers.worker.start()
    with step(f"Making {job.payload['name']}", f"Made {job.payload['name']}") as shown:
        ended = _follow(transfers, job, shown)
    print(f"  {ended.result['path']}")


def _follow(transfers: Transfers, job: Job, shown: Step) -> Job:
    while True:
        now = transfers.job(job.id)
        if now is None or now.state is JobState.CANCELLED:
            raise Conflict("It was cancelled.")
        if now.state is JobState.DONE:
            return now
        if now.state is JobState.FAILED:
            error = now.error
            raise ModelFailed(error.template, **error.params) if error else ModelFailed("It failed.")
        if now.paused:
            raise Conflict("It is paused. Resume it on the Models page.")
        detail = now.detail
        done, total, speed = (float(str(detail.get(name, 0))) for name in ("done_bytes", "total_bytes", "bytes_per_second"))
        shown.detail = _amount(done, total, speed)
        time.sleep(POLL_S)



def _amount(done: float, total: float, speed: float) -> str:
    if not total:
        return ""
    amount = f"{done / 1e9:.2f} of {total / 1e9:.2f} GB"
    return f"{amount}, {speed / 1e6:.1f} MB/s" if speed else amount


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.ERROR)
    sys.exit(main(sys.argv[1:]))
