"""Open the plugins: those of installed packages, and those that the portal brings along."""

from __future__ import annotations

from importlib.metadata import EntryPoint

from core.clock import Clock
from core.plugins.hookspecs import GROUP
from core.plugins.loading import Installed
from core.plugins.service import Plugins
from core.unit_of_work import UnitOfWorkFactory
from data.plugins.process import WorkerPluginProcess
from settings import Settings

OWN = (Installed(name="pdf", entry=EntryPoint("pdf", "plugins.pdf_export", GROUP), summary="Export chats as PDF, with Chinese."),)
"""The portal's own plugins. They are found like others and off like others."""


def open_plugins(settings: Settings, unit_of_work: UnitOfWorkFactory, clock: Clock) -> Plugins:
    """Return the plugins. Nothing of them is imported before an admin turns one on."""
    environment = {"PORTAL_PDF_FONT": settings.pdf_font} if settings.pdf_font else {}
    return Plugins(unit_of_work, clock, WorkerPluginProcess(environment), OWN)
