"""Apply, list and restore versions of the configuration; the file on disk and the page are the same thing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from core.people.accounts import Accounts
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from core.platforms.platforms_file import PlatformsFile
from core.platforms.records import EditedBy, PlatformsConfig
from core.platforms.service import PlatformService
from core.unit_of_work import UnitOfWorkFactory
from models.platforms.configuration.reader import YamlConfigurationReader
from tests.unit.core.conftest import MovingClock


def text_of(*names: str) -> str:
    rows = "".join(f"- name: {name}\n  type: openai\n  base_url: http://{name}/v1\n" for name in names)
    return f"platforms:\n{rows}"


class Listener:
    """Stands in for the router: what it was configured with, newest last."""

    def __init__(self) -> None:
        self.heard: list[PlatformsConfig] = []

    def configure(self, config: PlatformsConfig) -> None:
        self.heard.append(config)

    def check(self, config: PlatformsConfig) -> None:
        pass

    def close(self) -> None:
        pass

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.heard[-1].remote] if self.heard else []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "platforms.yaml"


Server = Callable[..., tuple[PlatformService, Listener]]


@pytest.fixture
def server(unit_of_work: UnitOfWorkFactory, clock: MovingClock, path: Path) -> Iterator[Server]:
    """Start a service on the shared database; each with a file of its own."""
    opened: list[PlatformService] = []

    def start(file: Path = path, **environment: str) -> tuple[PlatformService, Listener]:
        router = Listener()
        service = PlatformService(unit_of_work, clock, YamlConfigurationReader(file.name, environment), PlatformsFile(file), router)
        service.start()
        opened.append(service)
        return service, router

    yield start
    for service in opened:
        service.close()


@pytest.fixture
def ada(accounts: Accounts) -> User:
    return accounts.add(None, "ada", Role.ADMIN, password="correct horse")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def test_an_edit_serves_at_once_and_lies_in_the_file(server: Server, ada: User, path: Path) -> None:
    service, router = server()
    assert service.apply(ada, text_of("a")) == 1
    assert router.names == ["a"]
    assert path.read_text() == text_of("a")
    assert service.state(ada).version == 1 and service.state(ada).problem is None


def test_a_bad_edit_changes_nothing(server: Server, ada: User, path: Path) -> None:
    service, router = server()
    service.apply(ada, text_of("a"))
    with pytest.raises(InvalidInput, match=r"platforms\.yaml, line 5: "):
        service.apply(ada, text_of("b") + "what: no\n")
    assert router.names == ["a"] and path.read_text() == text_of("a")
    assert [each.number for each in service.versions(ada)] == [1]


def test_an_edit_of_the_file_is_picked_up(server: Server, ada: User, path: Path) -> None:
    service, router = server()
    path.write_text(text_of("a", "b"))
    until(lambda: router.names == ["a", "b"])
    newest = service.versions(ada)[0]
    assert (newest.edited_by, newest.author_id, newest.text) == (EditedBy.FILE, None, text_of("a", "b"))


def test_a_bad_edit_of_the_file_is_reported_and_what_served_goes_on(server: Server, ada: User, path: Path) -> None:
    service, router = server()
    service.apply(ada, text_of("a"))
    path.write_text("platforms: nonsense")
    until(lambda: service.state(ada).problem is not None)
    assert "line 1" in str(service.state(ada).problem) and router.names == ["a"]
    path.write_text(text_of("c"))
    until(lambda: router.names == ["c"])
    assert service.state(ada).problem is None


def test_a_file_that_is_removed_changes_nothing(server: Server, ada: User, path: Path) -> None:
    service, router = server()
    service.apply(ada, text_of("a"))
    path.unlink()
    service.apply(ada, text_of("b"))
    assert router.names == ["b"] and path.exists()


def test_an_earlier_version_comes_back_as_a_new_one(server: Server, ada: User, path: Path) -> None:
    service, router = server()
    service.apply(ada, text_of("a"))
    service.apply(ada, text_of("b"))
    assert service.restore(ada, 1) == 3
    assert router.names == ["a"] and path.read_text() == text_of("a")
    newest = service.versions(ada)[0]
    assert (newest.edited_by, newest.restored, newest.author) == (EditedBy.RESTORE, 1, "ada")
    with pytest.raises(NotFound):
        service.restore(ada, 99)


def test_a_version_tells_what_it_changed(server: Server, ada: User) -> None:
    service, _ = server()
    service.apply(ada, text_of("a"))
    service.apply(ada, text_of("b"))
    _, diff = service.version(ada, 2)
    assert "-- name: a" in diff and "+- name: b" in diff and "type: openai" in diff
    with pytest.raises(NotFound):
        service.version(ada, 3)


def test_two_who_edit_the_same_version_do_not_overwrite_each_other(server: Server, ada: User) -> None:
    service, router = server()
    service.apply(ada, text_of("a"))
    service.apply(ada, text_of("b"), based_on=1)
    with pytest.raises(Conflict, match="Version 2"):
        service.apply(ada, text_of("c"), based_on=1)
    assert router.names == ["b"]


def test_the_same_text_makes_no_new_version(server: Server, ada: User) -> None:
    service, _ = server()
    assert service.apply(ada, text_of("a")) == service.apply(ada, text_of("a")) == 1


def test_a_change_is_in_the_audit(server: Server, ada: User, unit_of_work: UnitOfWorkFactory) -> None:
    service, _ = server()
    service.apply(ada, text_of("a"))
    with unit_of_work() as work:
        [entry] = work.audit.find(AuditFilter(action="platforms.apply"), 5)
    assert (entry.event.actor_id, entry.event.subject, entry.event.details) == (ada.id, "1", {"from": "page"})


def test_only_who_runs_models_may_look_or_change(server: Server, accounts: Accounts) -> None:
    service, _ = server()
    max_ = accounts.add(None, "max", Role.MANAGER, password="correct horse")
    for call in (
        lambda: service.state(max_), lambda: service.apply(max_, ""), lambda: service.restore(max_, 1),
        lambda: service.versions(max_), lambda: service.version(max_, 1), lambda: service.check(max_, ""),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            call()


def test_it_serves_again_after_a_restart(server: Server, ada: User, path: Path) -> None:
    server()[0].apply(ada, text_of("a"))
    path.unlink()
    _, router = server()
    assert router.names == ["a"] and path.read_text() == text_of("a")


def test_an_edit_made_while_the_portal_was_down_counts(server: Server, ada: User, path: Path) -> None:
    first, _ = server()
    first.apply(ada, text_of("a"))
    first.close()
    path.write_text(text_of("b"))
    service, router = server()
    assert router.names == ["b"] and service.versions(ada)[0].edited_by is EditedBy.FILE


def test_servers_of_one_database_follow_each_other(server: Server, ada: User, tmp_path: Path) -> None:
    one, _ = server(tmp_path / "one.yaml")
    _, second = server(tmp_path / "two.yaml")
    one.apply(ada, text_of("a"))
    until(lambda: second.names == ["a"])
    until((tmp_path / "two.yaml").exists)


def test_a_server_that_was_away_does_not_bring_back_its_old_file(server: Server, ada: User, tmp_path: Path) -> None:
    one, _ = server(tmp_path / "one.yaml")
    one.apply(ada, text_of("a"))
    (tmp_path / "two.yaml").write_text(text_of("a"))
    one.apply(ada, text_of("b"))
    _, second = server(tmp_path / "two.yaml")
    assert second.names == ["b"] and (tmp_path / "two.yaml").read_text() == text_of("b")


def test_a_key_that_is_missing_on_this_server_is_reported(server: Server, ada: User, tmp_path: Path) -> None:
    one, _ = server(tmp_path / "one.yaml", KEY="k")
    one.apply(ada, text_of("a") + "  api_key: ${KEY}\n")
    two, router = server(tmp_path / "two.yaml")
    assert router.names == [] and "KEY" in str(two.state(ada).problem)


def test_a_file_that_cannot_be_written_refuses_the_edit(server: Server, ada: User, tmp_path: Path) -> None:
    service, router = server(tmp_path / "no such folder" / "platforms.yaml")
    with pytest.raises(Unavailable, match="cannot be written"):
        service.apply(ada, text_of("a"))
    assert router.names == [] and service.versions(ada) == []


def test_200_edits_while_others_read_leave_a_whole_configuration_at_every_moment(server: Server, ada: User) -> None:
    service, router = server()
    service.apply(ada, text_of("x0", "y0"))
    wrong: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            names = [each.name for each in service.config.remote]
            if len(names) != 2 or names[0][1:] != names[1][1:]:
                wrong.append(str(names))
            time.sleep(0.001)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(1, 201):
        service.apply(ada, text_of(f"x{number}", f"y{number}"))
    done.set()
    reader.join()
    assert wrong == [] and router.names == ["x200", "y200"] and service.state(ada).version == 201
