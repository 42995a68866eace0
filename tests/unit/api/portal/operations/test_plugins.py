"""Plugins over REST, with the portal's own: export as PDF."""

from __future__ import annotations

import io
from collections.abc import Callable

import httpx
from pypdf import PdfReader

from data.documents.reader import ProcessDocumentReader
from samples.fakes import FakeRouter, answer

ANSWER = """## 季度报告

收入增长了 **12.5%**。

| Part | 收入 |
|:--|--:|
| Cloud | 1,250 |

```python
print("合同")
```
"""


def test_an_admin_turns_on_pdf_and_a_chat_is_exported(
    ann: httpx.Client, router: FakeRouter, signed_in: Callable[[str], httpx.Client]
) -> None:
    router.next_answers.put(answer(ANSWER))
    chat = ann.post("/api/v1/conversations", json={"title": "Report 报告"}).json()["id"]
    ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "How was Q3?", "stream": True}).read()
    path = f"/api/v1/conversations/export?id={chat}&format=pdf"
    refused = ann.get(path)
    assert refused.status_code == 422 and "no export format pdf" in refused.json()["error"]["message"]
    ada = signed_in("ada")
    [listed] = [each for each in ada.get("/api/v1/plugins").json()["items"] if each["name"] == "pdf"]
    assert (listed["everyone"], listed["groups"], listed["installed"], listed["package"]) == (False, [], True, "")
    turned_on = ada.put("/api/v1/plugins/pdf", json={"everyone": True}).json()
    assert turned_on["adds"] == [{"kind": "exporter", "name": "PDF"}]
    formats = ann.get("/api/v1/conversations/export-formats").json()["items"]
    assert formats[0]["name"] == "markdown" and formats[-1] == {"name": "pdf", "title": "PDF"}
    made = ann.get(path, timeout=120)
    assert (made.status_code, made.headers["Content-Type"]) == (200, "application/pdf")
    [page] = PdfReader(io.BytesIO(made.content)).pages
    assert "\0" in page.extract_text(), "pypdf reads characters of two bytes as two"
    # As the portal reads it when someone attaches it. Only the order counts: how readers space characters is their own.
    read = ProcessDocumentReader().text("chat.pdf", made.content)
    assert "\0" not in read
    text = "".join(read.split())
    for part in ("Report报告", "Question", "HowwasQ3?", "Answer", "季度报告", "收入增长了12.5%。", "Cloud1,250", 'print("合同")', "1/1"):
        assert part in text, f"{part} is missing in {text}"
    assert len(made.content) < 200_000  # The fonts are embedded as far as they are used.


def test_what_is_no_plugin_or_group_is_refused(signed_in: Callable[[str], httpx.Client]) -> None:
    ada = signed_in("ada")
    assert ada.put("/api/v1/plugins/nothing", json={"everyone": True}).status_code == 404
    assert ada.put("/api/v1/plugins/pdf", json={"groups": ["Ghosts"]}).status_code == 422
