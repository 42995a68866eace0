"""Both hubs' own clients, in their process, against a local server that speaks their protocols."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from core.models.catalogue import Hub, RemoteFile, Repository
from models.hub.client import HubClient
from samples.servers.models.model_hub import HubServer, model_hub
from tests.small_disk import file_limit, fill, small_disk  # noqa: F401 - a fixture

NAME = "glm-Q4_K_M.gguf"
CONTENT = random.Random(5).randbytes(3_000_000)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with model_hub() as hub:
        hub.repositories["maker/glm-GGUF"] = {NAME: CONTENT, "README.md": b"# GLM"}
        yield hub


def client(server: HubServer, **more: str) -> HubClient:
    return HubClient({**os.environ, **server.environment(), **more})


def nothing(_done: int = 0) -> None:
    return None


@pytest.fixture(params=list(Hub))
def repository(request: pytest.FixtureRequest) -> Repository:
    return Repository(request.param, "maker/glm-GGUF")


def remote(name: str = NAME, content: bytes = CONTENT) -> RemoteFile:
    return RemoteFile(name, len(content), hashlib.sha256(content).hexdigest())


def test_a_repository_lists_its_files_with_size_and_hash(server: HubServer, repository: Repository) -> None:
    listing = client(server).files(repository, nothing)
    assert remote() in listing.files and listing.revision


def test_a_file_arrives_whole_and_its_progress_is_reported(server: HubServer, repository: Repository, tmp_path: Path) -> None:
    told: list[int] = []
    hub = client(server)
    listing = hub.files(repository, nothing)
    path = hub.download(repository, listing.revision, remote(), tmp_path, told.append)
    assert path.read_bytes() == CONTENT and path.is_relative_to(tmp_path)
    assert told and told == sorted(told) and told[-1] <= len(CONTENT)


def test_a_cut_connection_is_resumed_where_it_broke(server: HubServer, repository: Repository, tmp_path: Path) -> None:
    server.cuts = deque([1_400_000])
    path = client(server).download(repository, "master", remote(), tmp_path, nothing)
    assert path.read_bytes() == CONTENT
    assert server.ranges[0] == 0 and server.ranges[1] > 0, "the second request begins where the first one was cut"


class Stop(Exception):
    pass


def test_a_stopped_download_keeps_what_it_has_and_goes_on(server: HubServer, repository: Repository, tmp_path: Path) -> None:
    server.gate, server.hold_at = threading.Event(), 2_000_000
    hub = client(server)

    def stop(_done: int) -> None:
        if sum(path.stat().st_size for path in tmp_path.rglob("*incomplete*") if path.is_file()):
            raise Stop

    with pytest.raises(Stop):
        hub.download(repository, "master", remote(), tmp_path, stop)
    server.gate.set()
    path = hub.download(repository, "master", remote(), tmp_path, nothing)
    assert path.read_bytes() == CONTENT and server.ranges[-1] > 0


def test_a_missing_repository_and_a_gated_one_are_told_apart(server: HubServer, repository: Repository) -> None:
    with pytest.raises(NotFound, match="no repository or file maker/other"):
        client(server).files(Repository(repository.hub, "maker/other"), nothing)
    server.private.add("maker/glm-GGUF")
    with pytest.raises(NotAllowed, match="TOKEN"):
        client(server).files(repository, nothing)


def test_the_token_comes_from_the_environment(server: HubServer, repository: Repository) -> None:
    server.private.add("maker/glm-GGUF")
    found = client(server, HF_TOKEN=server.token, MODELSCOPE_API_TOKEN=server.token).files(repository, nothing)
    assert remote() in found.files


def test_a_hub_that_cannot_be_reached_is_named(repository: Repository) -> None:
    dead = {"HF_ENDPOINT": "http://127.0.0.1:9", "MODELSCOPE_ENDPOINT": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
    hub = HubClient({**os.environ, **dead})
    with pytest.raises(Unavailable, match="cannot be reached"):
        hub.files(repository, nothing)


def test_a_file_name_that_leads_out_of_the_folder_is_refused(server: HubServer, repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not the name of a file"):
        client(server).download(repository, "master", remote("../../evil.gguf"), tmp_path, nothing)


def test_names_with_spaces_chinese_and_emoji_arrive(server: HubServer, repository: Repository, tmp_path: Path) -> None:
    name = "Q4/智谱 模型 🚀-Q4_K_M.gguf"
    server.repositories["maker/glm-GGUF"][name] = CONTENT
    path = client(server).download(repository, "master", remote(name), tmp_path, nothing)
    assert path.name == "智谱 模型 🚀-Q4_K_M.gguf" and path.read_bytes() == CONTENT


def test_a_disk_that_fills_in_the_middle_is_said_and_the_download_goes_on_once_there_is_room(
    server: HubServer, repository: Repository, small_disk: Path  # noqa: F811
) -> None:  # fmt: skip
    filler = fill(small_disk, left=1_500_000)
    hub = client(server)
    with pytest.raises(Conflict, match="The disk became full"):
        hub.download(repository, "master", remote(), small_disk, nothing)
    filler.unlink()
    path = hub.download(repository, "master", remote(), small_disk, nothing)
    assert path.read_bytes() == CONTENT


def test_the_limit_for_the_size_of_a_file_is_not_called_a_full_disk(server: HubServer, repository: Repository, tmp_path: Path) -> None:
    with file_limit(1_000_000), pytest.raises(Conflict, match=r"limit for the size of a file\. Raise the limit"):
        client(server).download(repository, "master", remote(), tmp_path, nothing)
