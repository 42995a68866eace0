"""Serve RapidOCR as a detector: it finds text on images and speaks the protocol of docs/detectors.md.

    pip install rapidocr==3.10.0 onnxruntime
    python text_detector.py --port 9300

A phrase is the text to find: `find the text "Exit"`, `text "Exit"` or plain `Exit` give the lines that contain it, whatever its case;
`all text` or `所有文字` give every line. It needs no portal and no network; the models lie in the package.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np
import rapidocr
from rapidocr import RapidOCR

NAME = "rapidocr"
VERSION = f"{getattr(rapidocr, '__version__', '3.10.0')} PP-OCRv6"
MAX_BODY = 64 * 1024**2
EVERYTHING = {"text", "all text", "any text", "all the text", "every text", "文字", "所有文字", "全部文字"}
QUOTED = re.compile("[\"'“‘「](.+?)[\"'”’」]")
ASKED = re.compile(r"^(?:please )?(?:find |locate )?(?:the )?(?:text|word|words)\s*:?\s+(.+)$", re.IGNORECASE)
FIND = re.compile(r"^(?:please )?(?:find|locate)\s+|^(?:找出|查找|定位)\s*", re.IGNORECASE)


def wanted(phrase: str) -> str | None:
    """Return the text that a phrase asks for; None for all of it."""
    phrase = phrase.strip().rstrip(".。")
    if (quoted := QUOTED.search(phrase)) is not None:
        return quoted[1]
    bare = FIND.sub("", phrase)
    if bare.lower() in EVERYTHING:
        return None
    asked = ASKED.match(phrase)
    return asked[1] if asked else bare


class Reader:
    """Reads one image at a time: a second one would only take the first one's processors."""

    def __init__(self, side: int, threads: int) -> None:
        """side: images are read at this size at most, in pixels of the longer side."""
        self._engine = RapidOCR(
            params={
                "Det.limit_side_len": side,
                "Det.limit_type": "max",
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "Global.log_level": "warning",
            }
        )
        self._lock = threading.Lock()

    def lines(self, content: bytes) -> list[tuple[list[float], str, float]]:
        """Return box, text and confidence of each line. Raises ValueError for what is no image."""
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError("This is not an image.")
        with self._lock:
            found = self._engine(picture)
        if found.boxes is None:
            return []
        return [
            ([float(box[:, 0].min()), float(box[:, 1].min()), float(box[:, 0].max()), float(box[:, 1].max())], text, float(score))
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        ]

    def boxes(self, content: bytes, phrases: list[str]) -> list[dict[str, Any]]:
        lines = self.lines(content)
        found = []
        for number, phrase in enumerate(phrases):
            text = wanted(phrase)
            for box, line, score in lines:
                if text is None or squeezed(text) in squeezed(line):
                    found.append({"phrase": number, "label": line, "box": box, "confidence": round(min(1.0, score), 4)})
        return found


def squeezed(text: str) -> str:
    """Compare without case and spaces, which OCR often gets wrong."""
    return "".join(text.split()).casefold()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    reader: Reader

    def do_GET(self) -> None:
        if self.path.endswith("/models"):
            self._answer(200, {"data": [{"id": NAME, "version": VERSION}]})
        else:
            self._answer(404, {"error": {"message": "There is nothing here."}})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if not self.path.endswith("/detect") or not 0 < size <= MAX_BODY:
            self.close_connection = True
            self._answer(404 if size <= MAX_BODY else 413, {"error": {"message": "Send an image to /detect."}})
            return
        body = self.rfile.read(size)
        try:
            asked = json.loads(body)
            content = base64.b64decode(asked["image"], validate=True)
            boxes = self.reader.boxes(content, [str(each) for each in asked["phrases"]])
        except (ValueError, KeyError, TypeError, binascii.Error) as problem:
            self._answer(422, {"error": {"message": str(problem)[:200]}})
            return
        self._answer(200, {"model": NAME, "version": VERSION, "boxes": boxes})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep what people look for out of the log."""


def main() -> None:
    options = argparse.ArgumentParser(description="Serve RapidOCR as a detector.")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=9300)
    options.add_argument("--side", type=int, default=1920, help="Read images at this many pixels of their longer side, at most.")
    options.add_argument("--threads", type=int, default=-1, help="Processors for one image; -1: all.")
    chosen = options.parse_args()
    Handler.reader = Reader(chosen.side, chosen.threads)
    server = ThreadingHTTPServer((chosen.host, chosen.port), Handler)
    print(f"http://{chosen.host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
