"""A model in a process of its own: what it breaks, it breaks alone."""
