"""Install what the portal needs before it runs. A second run has nothing to do."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from cli.environment import engine, engine_build, python_packages, system_packages
from cli.environment.offline import read_bundle
from cli.paths import Paths

NEED_REDIS = "PORTAL_REDIS_URL"
NEED_IDENTITY = ("PORTAL_OIDC_ISSUER", "PORTAL_LDAP_URL")
"""Settings that need requirements/identity.txt. In a YAML file, only the portal sees them; its error names the file."""


NEED_PDF = "PORTAL_PDF_EXPORT"
"""The setting that needs requirements/pdf.txt; as above."""


def install_runtime(paths: Paths, *, with_engine: bool = True) -> None:
    """Install the environment, the pinned packages and a tested llama.cpp. Raises StartFailed.

    with_engine: False for a user server, which runs no model: nothing is compiled there.
    """
    paths.prepare()
    with _alone(paths):
        bundle = read_bundle()
        if bundle and python_packages.read_stamp(paths).get("bundle") != bundle.digest:
            bundle.check()
        build = engine_build.wanted()
        missing = [] if python_packages.has_environment(paths) else system_packages.missing_venv()
        if with_engine and engine.needs_compiler(paths, build):
            missing += system_packages.missing_compiler()
        system_packages.install(missing, paths.log)
        python_packages.make_environment(paths)
        python_packages.install(paths, python_packages.RUN, "Python packages")
        if bundle:
            python_packages.add_to_stamp(paths, bundle=bundle.digest)
        if any(os.environ.get(name) for name in NEED_IDENTITY):
            python_packages.install(paths, python_packages.IDENTITY, "packages for company accounts")
        if os.environ.get(NEED_PDF, "").strip().lower() in ("1", "true", "yes", "on"):
            python_packages.install(paths, python_packages.PDF, "packages for PDF exports")
        if os.environ.get(NEED_REDIS):
            python_packages.install(paths, python_packages.REDIS, "packages for Redis")
        if with_engine:
            engine.ensure(paths, build)


@contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    """Hold the lock of the home, so that two commands never install into it at once."""
    with (paths.home / "install.lock").open("w") as lock:
        # Child commands inherit the lock: a command that a killed ./portal left running still holds it.
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another ./portal is installing here; waiting for it to finish.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
