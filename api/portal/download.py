"""Send content that people stored."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response


def download(content: bytes, media_type: str, name: str) -> Response:
    """Return a response that browsers save and never show as a page. Caches do not keep it."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
