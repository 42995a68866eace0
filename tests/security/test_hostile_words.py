"""Attackers send hostile addresses, names, queries and templates: none gets through.

Each guard is also removed, and the check then fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jinja2
import pytest

from api.portal import download
from core.chat import conversations
from core.errors import InvalidInput, PortalError
from core.inference.requests import ChatMessage
from core.operations import backups
from core.operations.records import BackupFile
from core.transfers import model_folder
from core.transfers.model_folder import ModelFolder
from models.platforms.remote import addresses
from models.platforms.remote.failures import PlatformFailure
from models.prompting.chat_template import ChatTemplate
from samples.fakes import FakePool, FakeRouter
from tests.security.things import MARK, done
from tests.security.ways import by_bearer
from tests.unit.api.conftest import Server, open_portal

HOSTS = (
    # A cloud's metadata service, in every notation that a resolver takes.
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
    "0xa9.254.0251.254", "025177524776", "169.0xfea9fe", "0251.254.43518", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe",
    "0:0:0:0:0:ffff:a9fe:a9fe", "::169.254.169.254", "::a9fe:a9fe", "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::", "2002:a9fe:a9fe::1", "2002:a9fe:a9fe:1::5", "::ffff:0:169.254.169.254",
    "2001:0:4136:e378:8000:63bf:5601:5601", "fd00:ec2::254", "fd00:0ec2:0:0:0:0:0:254", "100.100.100.200", "1684301000", "0x646464c8",
    "0144.0144.0144.0310", "::ffff:100.100.100.200", "::100.100.100.200", "64:ff9b::100.100.100.200", "2002:6464:64c8::1",
    # Other link-local addresses, and what is no address of a server.
    "169.254.0.1", "169.254.255.255", "169.254.1", "fe80::1", "fe80::a9fe:a9fe", "fe80:0:0:0:0:0:0:1", "febf::1", "::ffff:169.254.0.1",
    "0.0.0.0", "0", "0x0", "000", "::", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0", "224.0.0.1", "239.255.255.250", "3758096385", "ff02::1",
    "ff05::2", "ff0e::1", "::ffff:224.0.0.1", "255.255.255.255", "4294967295", "0xffffffff", "240.0.0.1", "64:ff9b::224.0.0.1",
)  # fmt: skip
NAMES = (
    "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "//etc/passwd", "C:\\boot.ini", "C:/boot.ini", "\\\\server\\share\\a",
    "....//....//etc/passwd", "..;/..;/etc/passwd", "%2e%2e%2fetc%2fpasswd", "..%2f..%2fetc%2fpasswd", "..%252f..%252fetc%252fpasswd",
    "..%c0%af..%c0%afetc/passwd", "..%5c..%5cwin.ini", ".", "..", "...", "./", "../", "~", "~/.ssh/id_rsa", "$HOME/.bashrc", "${HOME}/a",
    "`id`.txt", "$(id).txt", "a;id.txt", "a|id.txt", "a\r\nSet-Cookie: a=b", "a\nb.txt", "portal.db", "../portal.db", "../keys/master",
    "file:///etc/passwd", "/proc/self/environ", "/dev/stdin", "CON", "nul.txt", ".htaccess", "a" * 300 + ".txt", "a/../../../b.gguf",
    "models/../../portal.db", "\u2025/\u2025/etc/passwd", "．．／．．／etc／passwd", "a\u202etxt.exe", "-rf", "--help",
)  # fmt: skip
QUERIES = (
    "' OR 1=1 --", "' OR '1'='1", "\" OR \"\"=\"", "'; DROP TABLE users; --", "') OR 1=1 --", "1; SELECT pg_sleep(9)", "%' OR '%'='",
    "' UNION SELECT password_hash FROM users --", "admin'--", "\\' OR 1=1", "' OR user_id IS NOT NULL --", "'||'a'||'", "$$;--", "0x27",
    "%", "%%", "_", "%_%", "*", "**", "?", "a* OR b*", "NEAR(a b)", "NEAR/0", "a AND", "AND", "OR", "NOT a", "NOT", "-a", "+a", "^a",
    "title:a", "user_id:a", "owner:*", "{title text}: a", "\"", "\"a", "a\"b\"", "()", "(a", "a)", "(((((((((((a",
    "{\"match_all\":{}}", "_exists_:id",
    "user_id:[* TO *]", "/.*/", "a~9", "a^9", "&& a", "|| a", "!a", "a:b:c", "\\", "\\\\", "\x00a", "\ufeff", "\u202e", "'\u2019",
    "(" * 500, "a " * 250, "{{7*7}}", "${7*7}", "<script>",
)  # fmt: skip
TEMPLATES = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ messages.__class__ }}", "{{ [].__class__.__base__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}", "{{ joiner.__init__.__globals__ }}", "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}", "{{ self.__init__.__globals__ }}", "{{ self._TemplateReference__context }}",
    "{{ raise_exception.__globals__ }}", "{{ raise_exception.__code__ }}", "{{ strftime_now.__globals__ }}", "{{ ''|attr('__class__') }}",
    "{{ ''['__class__'] }}", "{{ '{0.__class__.__mro__}'.format('') }}", "{{ '%s' | format(messages.__class__) }}",
    "{{ messages.append(1) }}", "{{ messages[0].update({'role': 'system'}) }}", "{% include '/etc/passwd' %}",
    "{% import '/etc/passwd' as x %}", "{% extends '/etc/passwd' %}", "{{ (messages|map('attr', '__class__')|list)[0].__mro__ }}",
    "{{ 'x' * 9999999999 }}", "{% for a in range(999999999) %}{% endfor %}", "{{ 9 ** 9 ** 9 }}",
)  # fmt: skip


def test_there_are_as_many_as_promised() -> None:
    assert [len(set(each)) >= most for each, most in ((HOSTS, 60), (NAMES, 40), (QUERIES, 50), (TEMPLATES, 20))] == [True] * 4


# Outgoing requests


def reached(hosts: tuple[str, ...]) -> list[str]:
    """Return the hosts that the portal would connect to. Numbers are resolved without asking a server."""
    found = []
    for host in hosts:
        try:
            found.append(f"{host}: {addresses.addresses_of('platform', host, 80, allowed=False)}")
        except PlatformFailure:
            continue
    return found


def test_no_notation_of_a_forbidden_address_is_connected_to() -> None:
    assert reached(HOSTS) == []
    assert len(reached(("127.0.0.1", "10.0.0.5", "::1", "8.8.8.8"))) == 4


def test_without_the_guard_they_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_refused", lambda address: False)
    assert len(reached(HOSTS)) > 50


# Names of files


@pytest.fixture(scope="module")
def house(server: Server, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("hostile")
    portal = open_portal(empty_home, folder / "home", FakeRouter(), FakePool())
    server.portal = portal
    with by_bearer(server.address, "ann") as ann:
        done(ann.post("/api/v1/conversations", json={"title": MARK}))
    yield server.address, folder
    portal.close()


def outside(folder: Path) -> set[Path]:
    """Return the files that lie beside the portal's home instead of in it."""
    return {path for path in folder.rglob("*") if "home" not in path.relative_to(folder).parts[:1]}


def strange_uploads(address: str) -> list[str]:
    """Upload a file under each name and return the names that broke an answer: its status, its content or its headers."""
    found = []
    with by_bearer(address, "ada") as ada:
        for name in NAMES:
            sent = ada.post("/api/v1/files", params={"name": name}, content=b"text", headers={"Content-Type": "application/octet-stream"})
            if sent.status_code == 422:
                continue
            path = f"/api/v1/files/{done(sent)['id']}"
            try:
                shown = ada.get(f"{path}/content")
            except httpx.RemoteProtocolError:
                found.append(name)
                continue
            finally:
                done(ada.delete(path))
            kept = shown.headers.get("Content-Disposition", "").partition("filename*=UTF-8''")[2]
            if (shown.status_code, shown.content) != (200, b"text") or not re.fullmatch(r"[\w.~%-]+", kept, re.ASCII):
                found.append(name)
    return found


def test_no_name_of_a_file_leaves_its_folder(house: tuple[str, Path]) -> None:
    address, folder = house
    before = outside(folder)
    assert strange_uploads(address) == []
    with by_bearer(address, "ada") as ada:
        for name in NAMES:
            assert ada.post("/api/v1/models/load", json={"path": name}).status_code in (202, 404, 409, 422), name
            for path in ("store/backups/{}", "models/report?path={}", "models/imports?folder={}"):
                answered = ada.get(f"/api/v1/{path.format(quote(name, safe=''))}")
                assert answered.status_code in (404, 422) or "items" in answered.text, f"{name!r}: {answered.status_code} {answered.text}"
                assert "root:" not in answered.text and "HOME=" not in answered.text
    assert outside(folder) == before


def test_without_the_guard_a_name_writes_headers(house: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "quote", lambda name, safe: name)
    assert len(strange_uploads(house[0])) > 3


def escaped(folder: Path) -> list[str]:
    """Return the names under which a hub's or an uploaded model would lie outside its folder, or hidden in it."""
    found = []
    for name in [*NAMES, *(f"{name}.gguf" for name in NAMES)]:
        for group in ("", "../..", "owner/name"):
            try:
                target = ModelFolder(folder).target(group, name).resolve()
            except (InvalidInput, OSError):
                continue
            if not target.is_relative_to(folder) or target == folder or target.name.startswith("."):
                found.append(name)
    return found


def test_no_model_is_stored_outside_the_models_folder(tmp_path: Path) -> None:
    assert escaped(tmp_path) == []
    assert ModelFolder(tmp_path).target("owner/name", "a.gguf").is_relative_to(tmp_path)


def test_without_the_guard_models_are_stored_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_folder, "check_name", lambda name: None)
    assert len(set(escaped(tmp_path))) > 8


def downloaded(address: str, folder: Path) -> list[str]:
    """Lay a file beside the backups and return the names by which an admin downloads it as if it were one."""
    (folder / "home" / "backups").mkdir(exist_ok=True)
    (folder / "home" / "backups" / "portal.db").write_text("root:")
    with by_bearer(address, "ada") as ada:
        return [name for name in NAMES if "root:" in ada.get(f"/api/v1/store/backups/{quote(name, safe='')}").text]


def test_only_backups_are_downloaded_as_backups(house: tuple[str, Path]) -> None:
    assert downloaded(*house) == []


def test_without_the_guard_other_files_are_downloaded_as_backups(house: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    any_file = BackupFile(name="portal.db", written_at=datetime.now(UTC), size_bytes=5, sealed=False)
    monkeypatch.setattr(backups.Backups, "_find", lambda self, name: any_file)
    assert downloaded(*house) != []


# Queries


def told(address: str) -> list[str]:
    """Return what bob finds of ann's with these queries."""
    found = []
    with by_bearer(address, "bob") as bob:
        for query in (*QUERIES, MARK):
            for path in ("search", "conversations"):
                answered = bob.get(f"/api/v1/{path}", params={"q": query})
                assert answered.status_code in (200, 422), f"{path} {query!r}: {answered.status_code} {answered.text}"
                if re.search(f'"[^"]*": ?"{MARK}', answered.text) or (answered.status_code == 200 and answered.json()["items"]):
                    found.append(f"{path} {query!r}: {answered.text[:200]}")
    return found


def test_no_query_finds_what_is_somebody_elses(house: tuple[str, Path]) -> None:
    assert told(house[0]) == []


def test_without_the_guard_a_query_finds_it(house: tuple[str, Path], server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    portal = server.portal
    assert portal is not None
    ann = portal.accounts.credentials("ann")
    assert ann is not None
    listed: Callable[..., Any] = conversations.Conversations.find
    monkeypatch.setattr(conversations.Conversations, "find", lambda self, user, *rest, **more: listed(self, ann.user, *rest, **more))
    assert told(house[0]) != []


# Templates of model files


GOT = re.compile(r"<class|root:|uid=|<function|__builtins__|system|x{100}")


def rendered(source: str) -> bool:
    """Tell whether a template gets what it wants. A refusal and an undefined value are both none of it."""
    template = ChatTemplate(source, "model", cpu_s=0.2)
    try:
        text = template.render([ChatMessage("user", "hello")], thinking=False).text
    except (InvalidInput, PortalError):
        return False
    finally:
        template.close()
    return bool(GOT.search(text))


@pytest.mark.parametrize("source", TEMPLATES)
def test_no_template_gets_out_of_its_sandbox(source: str) -> None:
    assert not rendered(source)


def test_without_the_sandbox_a_template_gets_out() -> None:
    plain = jinja2.Environment()
    harmless = [source for source in TEMPLATES[:9] if "popen" not in source]
    found = [source for source in harmless if GOT.search(plain.from_string(source).render(messages=[{"role": "user"}]))]
    assert len(found) >= 4
