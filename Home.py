"""The entry page: every run of every page starts here, asks whose session this is, and opens only what that person may see."""

from bootstrap import portal
from pages.navigation import run

run(portal)
