"""The entry page: every run of every page starts here, asks whose session this is, and opens only what that person may see."""

from bootstrap.process import portal
from pages.shell.navigation import run

run(portal)
