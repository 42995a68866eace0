"""Open the plugins: those of installed packages, and the portal's own."""

from __future__ import annotations

from importlib.metadata import EntryPoint

from core.clock import Clock
from core.plugins.hookspecs import GROUP
from core.plugins.loading import Installed
from core.plugins.service import Plugins
from core.unit_of_work import UnitOfWorkFactory
from data.plugins.json_schemas import JsonSchemas
from data.plugins.process import WorkerPluginProcess
from settings import Settings

OWN = (
    Installed(
        name="own-chats", entry=EntryPoint("own-chats", "plugins.own_chats", GROUP),
        summary="Let the model search and read a person's own chats.",
    ),
    Installed(name="pdf", entry=EntryPoint("pdf", "plugins.pdf_export", GROUP), summary="Export chats as PDF, with Chinese."),
)  # fmt: skip
"""The portal's own plugins. They are listed like others, and off by default like others."""


def open_plugins(settings: Settings, unit_of_work: UnitOfWorkFactory, clock: Clock) -> Plugins:
    """Return the plugins. A plugin is imported only after an admin has switched it on."""
    environment = {"PORTAL_PDF_FONT": settings.pdf_font} if settings.pdf_font else {}
    return Plugins(unit_of_work, clock, WorkerPluginProcess(environment), JsonSchemas(), OWN)
