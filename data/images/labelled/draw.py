"""Draw the labelled set: `python -m data.images.labelled.draw FONT CHINESE_FONT`, for example DejaVuSans.ttf NotoSerifCJK-Bold.ttc.

The images are in the repository, so that the same pixels are evaluated everywhere. Raise VERSION when they or their labels change:
results of different versions are not comparable.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

VERSION = "1"
FOLDER = Path(__file__).parent
IMAGES = 12
"""Images of each kind."""
COLOURS = {"red": "#d62728", "blue": "#1f5fd6", "green": "#1f9d55", "orange": "#f08c00", "purple": "#7b2fbf"}
SHAPES = ("circle", "square", "triangle", "star")
PAPERS = ("#ffffff", "#f4f0e6", "#e6eef4", "#dddddd", "#223344", "#5a4632")
WORDS = (
    "EXIT", "Gate 12", "Open", "Fragile", "No parking", "Total 48.90", "Platform 3", "Closed", "Reception", "WARNING", "Floor 2", "Tickets",
    "Invoice", "Push", "Taxi", "Room 101", "Keep dry", "Sale", "Library", "Danger", "Water", "Lift",
)  # fmt: skip
CHINESE = ("出口", "小心地滑", "服务台", "停车场")
Edges = tuple[int, int, int, int]


def shape(image: Image.Image, name: str, colour: str, left: int, top: int, side: int) -> Edges:
    """Draw a shape and return the edges of its pixels: left, top, right, bottom."""
    mask = Image.new("1", image.size)
    pen = ImageDraw.Draw(mask)
    right, bottom = left + side - 1, top + side - 1
    if name == "circle":
        pen.ellipse((left, top, right, bottom), fill=1)
    elif name == "square":
        pen.rectangle((left, top, right, bottom), fill=1)
    elif name == "triangle":
        pen.polygon([(left + side / 2, top), (right, bottom), (left, bottom)], fill=1)
    else:
        pen.polygon(star(left, top, side), fill=1)
    image.paste(colour, mask=mask)
    edges = mask.getbbox()
    assert edges is not None, "something is drawn"
    return edges


def star(left: int, top: int, side: int) -> list[tuple[float, float]]:
    middle = side / 2
    corners = []
    for corner in range(10):
        far = middle if corner % 2 == 0 else middle * 0.42
        angle = math.pi * (corner / 5 - 0.5)
        corners.append((left + middle + far * math.cos(angle), top + middle + far * math.sin(angle)))
    return corners


def shapes(draw: random.Random) -> tuple[Image.Image, dict[str, list[Edges]]]:
    """Draw three to five shapes. One phrase asks for a shape of a colour, one for a shape, one for something absent."""
    image = Image.new("RGB", (336, 224), draw.choice(PAPERS[:4]))
    placed: list[tuple[str, str, Edges]] = []
    for cell in draw.sample(range(6), draw.randint(3, 5)):
        side = draw.randint(40, 84)
        left = cell % 3 * 112 + draw.randint(4, 108 - side)
        top = cell // 3 * 112 + draw.randint(4, 108 - side)
        name, colour = draw.choice(SHAPES), draw.choice(list(COLOURS))
        placed.append((name, colour, shape(image, name, COLOURS[colour], left, top, side)))
    name, colour, _ = placed[0]
    absent = next((c, n) for n in draw.sample(SHAPES, 4) for c in COLOURS if (n, c) not in [(s, k) for s, k, _ in placed])
    return image, {
        f"{colour} {name}": [edges for n, c, edges in placed if (n, c) == (name, colour)],
        name: [edges for n, _, edges in placed if n == name],
        f"{absent[0]} {absent[1]}": [],
    }


def texts(draw: random.Random, font: Callable[[str, int], ImageFont.FreeTypeFont]) -> tuple[Image.Image, dict[str, list[Edges]]]:
    """Draw two or three lines. A box reaches from the top of the font's tallest letter to the foot of its deepest one."""
    paper = draw.choice(PAPERS)
    image = Image.new("RGB", (448, 280), paper)
    pen = ImageDraw.Draw(image)
    ink = "#ffffff" if paper in PAPERS[4:] else draw.choice(("#111111", "#7a1020", "#143c8c"))
    lines: dict[str, Edges] = {}
    words = draw.sample(WORDS, 2) + ([draw.choice(CHINESE)] if draw.random() < 0.5 else [])
    for row, word in enumerate(words):
        face = font(word, draw.randint(24, 44))
        above, below = face.getmetrics()
        width = math.ceil(face.getlength(word))
        left, top = draw.randint(12, 436 - width), row * 92 + draw.randint(6, 84 - above - below)
        pen.text((left, top), word, fill=ink, font=face)
        lines[word] = (left, top, left + width, top + above + below)
    absent = draw.choice([word for word in WORDS if word not in lines])
    phrases = {f'the text "{word}"': [edges] for word, edges in lines.items()}
    return image, {**phrases, "all text": list(lines.values()), f'the text "{absent}"': []}


def main() -> None:
    plain, chinese = sys.argv[1:3]

    def font(text: str, size: int) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(plain if text.isascii() else chinese, size)

    draw = random.Random(27)
    listed = []
    for kind, make in (("shape", shapes), ("text", lambda draw: texts(draw, font))):
        for number in range(1, IMAGES + 1):
            image, phrases = make(draw)
            name = f"{kind}-{number:02}.png"
            image.save(FOLDER / name, "PNG", optimize=True)
            listed.append({
                "file": name, "kind": kind, "width": image.width, "height": image.height,
                "phrases": [{"phrase": phrase, "boxes": boxes} for phrase, boxes in phrases.items()],
            })  # fmt: skip
    (FOLDER / "labels.json").write_text(json.dumps({"version": VERSION, "images": listed}, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
