"""Uploading, using, reading and discarding files over REST."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from zipfile import ZipFile

import httpx
import pytest

from bench.portal_parts.tls import TLS
from bootstrap.portal import Portal
from core.knowledge.file_texts import FileTexts
from core.knowledge.ports import OnQueuePosition
from samples.fakes import FakeRouter

OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def bob(signed_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return signed_in("bob")


def upload(client: httpx.Client, name: str, content: bytes) -> httpx.Response:
    return client.post("/api/v1/files", params={"name": name}, content=content, headers=OCTETS)


def test_a_file_is_uploaded_asked_with_and_read_back(ann: httpx.Client, router: FakeRouter) -> None:
    made = upload(ann, "报告 Q3.csv", b"a,b\r\n1,2\r\n")
    assert made.status_code == 201 and made.json()["size_bytes"] == 10 and made.json()["conversation_id"] is None
    file = made.json()["id"]
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    turn = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Sum?", "files": [file]}).json()
    assert [each["name"] for each in turn["question"]["files"]] == ["报告 Q3.csv"]
    assert router.requests[-1].messages[-1].content == "[file: 报告 Q3.csv]\na,b\n1,2\n[end of 报告 Q3.csv]\n\nSum?"
    assert ann.get(f"/api/v1/files/{file}").json()["conversation_id"] == chat
    content = ann.get(f"/api/v1/files/{file}/content")
    assert content.content == b"a,b\r\n1,2\r\n"
    assert content.headers["content-disposition"] == "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A%20Q3.csv"
    assert content.headers["x-content-type-options"] == "nosniff" and content.headers["content-type"] == "application/octet-stream"
    items = ann.get(f"/api/v1/conversations/{chat}/messages").json()["items"]
    assert [[each["id"] for each in item["files"]] for item in items] == [[file], []]
    assert ann.delete(f"/api/v1/files/{file}").status_code == 409
    assert ann.delete(f"/api/v1/conversations/{chat}").status_code == 204
    assert ann.get(f"/api/v1/files/{file}/content").status_code == 404


KOREAN = "이름,도시\n김철수,서울\n박영희,부산\n"


def test_the_encoding_is_reported_and_can_be_changed(ann: httpx.Client, bob: httpx.Client, router: FakeRouter) -> None:
    made = upload(ann, "list.csv", KOREAN.encode("euc-kr")).json()
    assert made["encoding"] == "EUC-KR"
    here, chat = f"/api/v1/files/{made['id']}", ann.post("/api/v1/conversations", json={}).json()["id"]
    assert bob.patch(here, json={"encoding": "Big5"}).status_code == 404
    asked = ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Who?", "files": [made["id"]]}).json()
    assert asked["question"]["files"][0]["encoding"] == "EUC-KR"
    assert f"[file: list.csv]\n{KOREAN}[end of list.csv]" in router.requests[-1].messages[-1].content
    changed = ann.patch(here, json={"encoding": "GB18030"})
    assert (changed.status_code, changed.json()["encoding"], ann.get(here).json()["encoding"]) == (200, "GB18030", "GB18030")
    ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "And now?"})
    assert KOREAN.encode("euc-kr").decode("gb18030") in router.requests[-1].messages[0].content
    assert ann.get(f"{here}/content").content == KOREAN.encode("euc-kr")


@pytest.mark.parametrize(
    ("encoding", "says"), [("UTF-8", "list.csv cannot be read as UTF-8"), ("rot13", "Choose one of these"), ("", "Choose one of these")]
)
def test_an_encoding_that_does_not_fit_changes_nothing(ann: httpx.Client, encoding: str, says: str) -> None:
    here = f"/api/v1/files/{upload(ann, 'list.csv', KOREAN.encode('euc-kr')).json()['id']}"
    refused = ann.patch(here, json={"encoding": encoding})
    assert refused.status_code == 422 and says in refused.json()["error"]["message"]
    assert ann.get(here).json()["encoding"] == "EUC-KR"


def test_a_file_that_no_question_took_can_be_discarded(ann: httpx.Client) -> None:
    file = upload(ann, "a.txt", b"text").json()["id"]
    assert ann.delete(f"/api/v1/files/{file}").status_code == 204
    assert ann.get(f"/api/v1/files/{file}").status_code == 404


def test_somebody_elses_file_is_not_there(ann: httpx.Client, bob: httpx.Client) -> None:
    file = upload(ann, "a.txt", b"text").json()["id"]
    chat = bob.post("/api/v1/conversations", json={}).json()["id"]
    for answer in (
        bob.get(f"/api/v1/files/{file}"),
        bob.get(f"/api/v1/files/{file}/content"),
        bob.delete(f"/api/v1/files/{file}"),
        bob.post(f"/api/v1/conversations/{chat}/messages", json={"text": "x", "files": [file]}),
    ):
        assert answer.status_code == 404, answer.text
    assert ann.get(f"/api/v1/files/{file}").status_code == 200


@pytest.mark.parametrize(
    ("name", "content", "status", "says"),
    [
        ("photo.png", b"\x89PNG\x00\x01", 422, "photo.png is an image"),
        ("a.txt", b"", 422, "a.txt is empty"),
        ("", b"text", 422, "A file needs a name"),
        ("a\x00b", b"text", 422, "Control characters"),
        ("/", b"text", 422, "A file needs a name"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(ann: httpx.Client, name: str, content: bytes, status: int, says: str) -> None:
    answer = upload(ann, name, content)
    assert answer.status_code == status and says in answer.json()["error"]["message"]


def test_a_file_may_be_larger_than_other_bodies_but_not_than_its_limit(ann: httpx.Client) -> None:
    assert upload(ann, "long.txt", b"x" * 3_000_000).status_code == 201
    over = upload(ann, "huge.txt", b"x" * 30_000_000)
    assert over.status_code == 413 and "at most" in over.json()["error"]["message"]
    hidden = ann.post("/api/v1/files?name=huge.txt", content=(b"x" * 1_000_000 for _ in range(30)), headers=OCTETS)
    assert hidden.status_code == 413
    assert ann.get("/healthz").status_code == 200


def test_ids_that_are_none_and_too_many(ann: httpx.Client) -> None:
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    for files in (["../../etc"], ["0" * 31], [1], "0" * 32, [None], ["0" * 32] * 101):
        assert ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "x", "files": files}).status_code == 422
    assert ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "x", "files": ["0" * 32] * 100}).status_code == 404


def test_a_page_of_another_site_cannot_upload(address: str, ann: httpx.Client) -> None:
    with httpx.Client(verify=TLS, base_url=address, timeout=60) as browser:
        browser.post("/api/v1/session", json={"username": "bob", "password": "correct horse"})
        asked = browser.post("/api/v1/files?name=a.txt", content=b"text", headers={"Sec-Fetch-Site": "cross-site"})
        assert asked.status_code == 403


def word(text: str) -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        body = f"<w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body>"
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{space}">{body}</w:document>')
    return made.getvalue()


def test_a_word_document_is_read_by_the_model_and_given_back_whole(ann: httpx.Client, router: FakeRouter) -> None:
    document = word("Der Plan 计划")
    file = upload(ann, "plan.docx", document).json()["id"]
    chat = ann.post("/api/v1/conversations", json={}).json()["id"]
    ann.post(f"/api/v1/conversations/{chat}/messages", json={"text": "Sum?", "files": [file]}).raise_for_status()
    assert router.requests[-1].messages[-1].content == "[file: plan.docx]\nDer Plan 计划\n[end of plan.docx]\n\nSum?"
    assert ann.get(f"/api/v1/files/{file}/content").content == document


def test_a_document_that_cannot_be_read_is_refused_with_the_reason(ann: httpx.Client) -> None:
    for content in (b"%PDF-1.7\nnothing", word(" "), word("cut")[:-40]):
        refused = upload(ann, "plan.pdf", content)
        assert refused.status_code == 422 and "plan.pdf" in refused.json()["error"]["message"]


class BlockedReader:
    """Never reads the documents of anyone who comes first, those of others at once."""

    def __init__(self) -> None:
        self.first: str | None = None
        self.here, self.free = threading.Event(), threading.Event()

    def text(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> str:
        self.first = self.first or person
        if person == self.first:
            self.here.set()
            assert self.free.wait(60)
        return "read"


def test_many_uploads_of_one_person_keep_no_one_elses_waiting(
    ann: httpx.Client, bob: httpx.Client, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = BlockedReader()
    monkeypatch.setattr(portal.files, "_texts", FileTexts(reader))
    with ThreadPoolExecutor(30) as pool:
        many = [pool.submit(upload, ann, f"{n}.pdf", b"%PDF-1.7") for n in range(30)]
        assert reader.here.wait(60)
        try:
            assert upload(bob, "short.pdf", b"%PDF-1.7").status_code == 201
        finally:
            reader.free.set()
        assert {each.result().status_code for each in many} == {201}


def test_a_table_is_described_and_queried(ann: httpx.Client, signed_in: Callable[[str], httpx.Client]) -> None:
    made = upload(ann, "desks.csv", b"desk;usd;day\nFX;1,5;2024-02-01\nRates;2,5;2024-02-02\nFX;;2024-02-03\n").json()
    [table] = made["tables"]
    assert (table["name"], table["sheet"], table["rows"]) == ("desks", "", 3)
    assert [(each["name"], each["type"], each["missing"]) for each in table["columns"]] == [
        ("desk", "text", 0), ("usd", "number", 1), ("day", "date", 0),
    ]  # fmt: skip
    here = f"/api/v1/files/{made['id']}/query"
    found = ann.post(here, json={"sql": "SELECT desk, sum(usd) AS usd FROM desks GROUP BY desk ORDER BY desk", "max_rows": 1}).json()
    assert found["columns"] == [{"name": "desk", "type": "text"}, {"name": "usd", "type": "number"}]
    assert (found["rows"], found["more"]) == ([["FX", 1.5]], True) and found["seconds"] >= 0
    refused = ann.post(here, json={"sql": "DROP TABLE desks"})
    assert refused.status_code == 422 and "one SELECT statement" in refused.text
    assert [ann.post(here, json=body).status_code for body in ({"sql": " "}, {"sql": "SELECT 1", "max_rows": 0})] == [422, 422]
    assert signed_in("ada").post(here, json={"sql": "SELECT 1"}).status_code == 404
    note = upload(ann, "note.txt", b"no table").json()
    assert (note["tables"], ann.post(f"/api/v1/files/{note['id']}/query", json={"sql": "SELECT 1"}).status_code) == ([], 422)
    assert ann.delete(f"/api/v1/files/{made['id']}").status_code == 204
    assert ann.post(here, json={"sql": "SELECT 1"}).status_code == 404


def test_another_encoding_reads_the_table_again(ann: httpx.Client) -> None:
    made = upload(ann, "list.csv", KOREAN.encode("euc-kr")).json()
    changed = ann.patch(f"/api/v1/files/{made['id']}", json={"encoding": "GB18030"}).json()
    before, after = ([each["name"] for each in file["tables"][0]["columns"]] for file in (made, changed))
    assert before == ["이름", "도시"] and len(after) == 2 and after != before
