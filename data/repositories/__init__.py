"""One repository per kind of row; each implements its Protocol in core/<area>/ports.py within one transaction."""
