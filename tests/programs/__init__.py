"""Sessions of the clients that people use, one program each.

What stands between the marks `docs` and `end of docs` is what docs/programs.md shows. The rest checks what came back. Each program reads
PORTAL (the portal's address without a path), PORTAL_KEY and PORTAL_MODEL, and ends with status 0 if everything was as it should be.
"""
