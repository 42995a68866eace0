"""Measure how long an image takes: safe decoding, encoding, and its first token, new and cached. `./portal bench images [--layers N]`

The model is a synthetic GLM-V. Its vision tower is small: its encoding time says little about a real one, but the other times are
realistic.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PIL import Image

from bench.portal_parts.portal import table
from core.images.records import DecodedImage
from core.inference.requests import SamplingParams
from data.images.reader import ProcessImageReader
from models.engine.engine import Engine
from models.engine.images import EncodedImage, PromptImage
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.images.projector import Projector
from models.engine.llama.options import BackendOptions
from samples.gguf_maker import make_gguf
from samples.image_files import written
from samples.projector_maker import make_projector

SIZES = ((560, 420), (1120, 840), (2016, 1512))
TIMES = 3


def median_ms(do: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        do()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds)


def encode_anew(projector: Projector, content: bytes) -> object:
    """Encode an image under a name that the cache has not seen."""
    return projector.encode(content, f"{time.perf_counter_ns():064x}")


def first_token_ms(engine: Engine, backend: LlamaBackend, image: DecodedImage) -> float:
    """Ask about an image and return the milliseconds to the first token."""
    assert backend.projector is not None
    began = time.perf_counter()
    tokens: list[int] = []
    placed = []
    for piece in backend.projector.encode(image.content, image.sha256).pieces:
        if isinstance(piece, EncodedImage):
            placed.append(PromptImage(len(tokens), piece))
            tokens += piece.tokens
        else:
            tokens += piece
    tokens += backend.tokenize("What is this?")
    sequence = engine.submit(tokens, SamplingParams(temperature=0.0), 1, "bench", images=placed)
    while not sequence.ended:
        sequence.events.get(timeout=60)
        time.sleep(0.001)
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=2, help="of the vision tower")
    layers = parser.parse_args().layers
    reader = ProcessImageReader()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model, projector = Path(folder, "glm-v.gguf"), make_projector(Path(folder, "mmproj-glm-v.gguf"), layers=layers)
        make_gguf(model, sections=(2, 1, 1, 0), context=8192)
        backend = LlamaBackend(model, BackendOptions(context=8192, slots=2, extra_buffers=False, projector=str(projector)))
        assert backend.projector is not None
        engine = Engine(backend, "glm-v")
        engine.start()
        for width, height in SIZES:
            photo = written(Image.effect_noise((width, height), 60).convert("RGB"), "JPEG")
            image = reader.fitted(reader.decode("photo.jpg", photo))
            decoding = median_ms(partial(reader.decode, "photo.jpg", photo))
            new, again = first_token_ms(engine, backend, image), first_token_ms(engine, backend, image)
            encoding = median_ms(partial(encode_anew, backend.projector, image.content))
            cached = median_ms(partial(backend.projector.encode, image.content, image.sha256))
            tokens = image.width // 28 * (image.height // 28)
            figures = (decoding, encoding, cached, new, again)
            rows.append((f"{image.width} x {image.height}", str(tokens), *(f"{each:,.1f} ms" for each in figures)))
        engine.close()
    head = ("image", "tokens", "decoding", "encoding", "cached", "first token, new", "first token, again")
    table(f"Images of a synthetic GLM-V whose vision tower has {layers} layers", head, rows)


if __name__ == "__main__":
    main()
