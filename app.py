"""Define the ASGI entry point: pages and REST in one process. `uvicorn app:app`, or `./portal run`."""

from __future__ import annotations

import faulthandler
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from api.application import build as build_api
from api.draining import DrainGate, Draining
from api.middleware.bodies.upload_guard import UploadGuard
from api.middleware.compressed import CompressedScripts
from api.middleware.front_door import FrontDoor
from bootstrap import process as portal_process
from pages.shell import options, script_events, theme
from pages.shell.failed_page import script_failed

if not faulthandler.is_enabled():  # The portal may have given it a file already.
    faulthandler.enable()

# Streamlit runs a file pages/X.py for a first visitor to /X, before Home.py has checked who it is. No page lies there, which
# tests/pages/test_shell.py checks; this would keep Streamlit from running it. It is private, and Streamlit is pinned.
PagesManager.uses_pages_directory = False
theme.work_out_once()
options.read_without_lock()
script_events.gather()
profile = portal_process.profile()
draining = Draining()


def load_own_pages() -> None:
    """Import the pages of this server's profile. Raises StartFailed for a page that does not exist."""
    # No page is rendered here. Streamlit warns about that once for each declared component.
    log = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        from pages.shell import navigation

        navigation.load(profile.pages)
    finally:
        log.setLevel(level)


def settle() -> None:
    """Import the pages before anyone waits for them, and freeze everything loaded by then for the garbage collector.

    It stays for as long as the portal runs. Scanning it took 0.2 to 0.4 s each time, during which no answer advanced. The start itself runs
    without the collector (cli/serving/serve.py), and ends here.
    """
    try:
        load_own_pages()
        gc.collect()
        gc.freeze()
    finally:
        gc.enable()


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    portal = await anyio.to_thread.run_sync(portal_process.portal)
    if not profile.remote:
        from api.background import answer_jobs  # A user server runs no jobs, and must not load what they need.

        answer_jobs(portal)
    yield
    await anyio.to_thread.run_sync(portal_process.stop)


app = st.App(
    "Home.py",
    middleware=[
        Middleware(DrainGate, draining=draining),
        Middleware(FrontDoor, api=build_api(portal_process.portal, profile.routes, remote=profile.remote), portal=portal_process.portal),
        Middleware(UploadGuard, portal=portal_process.portal),
        Middleware(CompressedScripts),
    ],
    lifespan=lifespan,
    on_script_error=script_failed,
)
