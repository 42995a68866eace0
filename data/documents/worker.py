"""Read one PDF or Word document in a separate process that can be killed. The reader runs it and never imports it.

Documents are untrusted: they can be damaged, a decompression bomb, or written to keep a reader busy forever. So the process has little
memory and time, cannot write files or start other processes, and knows nothing of the portal.

Protocol: the document on stdin; one argument, {"cpu_s", "memory_bytes", "most_chars"}; on stdout {"text"} or {"error"}, which is "damaged",
"encrypted", "no text", "fonts", "long", "unpacked" or "heavy".
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import warnings
from pathlib import Path

# The process is isolated: Python finds modules only in its own folders.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pypdf.errors import FileNotDecryptedError, LimitReachedError

from data.documents.formats.pdf import pdf_text
from data.documents.formats.refusal import Refused
from data.documents.formats.word import word_text


def answer(content: bytes, most_chars: int) -> str:
    try:
        text = (word_text if content.startswith(b"PK") else pdf_text)(content, most_chars)
        return json.dumps({"text": text} if text else {"error": "no text"})
    except Refused as refusal:
        error = str(refusal)
    except FileNotDecryptedError:
        error = "encrypted"
    except (MemoryError, LimitReachedError):
        error = "heavy"
    except Exception:  # noqa: BLE001 - whatever a document does to its reader, it cannot be read
        error = "damaged"
    return json.dumps({"error": error})


def main() -> None:
    limits = json.loads(sys.argv[1])
    for kind, most in {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CPU: limits["cpu_s"],
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 16,
    }.items():
        resource.setrlimit(kind, (most, most))
    logging.disable()
    warnings.simplefilter("ignore")
    sys.stdout.write(answer(sys.stdin.buffer.read(), limits["most_chars"]))


if __name__ == "__main__":
    main()
