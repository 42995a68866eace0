"""One module per kind of row; each implements its Protocol in core/unit_of_work.py over one transaction."""
