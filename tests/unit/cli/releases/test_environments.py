from __future__ import annotations

import shutil

import pytest

from cli.paths import Paths
from cli.releases import environments
from cli.releases.environments import Change

CHANGE = Change(old="/opt/one", new="/opt/two", revision="0058", backup="/home/backups/one.backup", link=None)


def put(home: Paths, release: str) -> None:
    home.python.parent.mkdir(parents=True)
    home.python.write_text(release)
    home.engine_trial_result.write_text(release)


def serving(paths: Paths) -> tuple[str, str]:
    return paths.python.read_text(), paths.engine_trial_result.read_text()


@pytest.fixture
def staged(paths: Paths) -> Paths:
    """Return a home where one release serves and the next one is installed beside it."""
    put(paths, "one")
    put(environments.staged(paths), "two")
    environments.note(paths, CHANGE)
    return paths


def test_the_new_environment_serves_and_the_old_one_is_kept(staged: Paths) -> None:
    environments.swap_in(staged)
    assert serving(staged) == ("two", "two") and environments.newest(staged) == staged.python
    assert environments.noted(staged) == CHANGE
    environments.swap_back(staged)
    assert serving(staged) == ("one", "one")
    assert environments.noted(staged) is None


class Died(Exception):
    """A process that was killed at this call."""


@pytest.mark.parametrize("call", range(5))
def test_an_exchange_that_was_killed_is_undone(staged: Paths, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """The exchange has four renames and one removal; each may be the one before which the process dies."""
    left = [call]

    def dying(done: object) -> object:
        def wrapped(*arguments: object, **more: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Died
            return done(*arguments, **more)  # type: ignore[operator]

        return wrapped

    with monkeypatch.context() as patched:
        patched.setattr(type(staged.home), "rename", dying(type(staged.home).rename))
        patched.setattr(environments.shutil, "rmtree", dying(shutil.rmtree))
        with pytest.raises(Died):
            environments.swap_in(staged)
    assert environments.newest(staged).read_text() == "two"
    environments.swap_back(staged)
    assert serving(staged) == ("one", "one")


def test_a_new_upgrade_forgets_the_one_before(staged: Paths) -> None:
    environments.swap_in(staged)
    environments.clear(staged)
    assert serving(staged) == ("two", "two") and environments.noted(staged) is None
    assert sorted(path.name for path in staged.home.iterdir()) == ["engine.json", "logs", "venv"]
