"""Every page run starts here: look up whose session this is, and open only what that person may see."""

from bootstrap.process import portal
from pages.shell.navigation import run

run(portal)
