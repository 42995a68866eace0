"""One module per kind of row; each implements its Protocol in core/ports.py over one transaction."""
