"""The index worker and its jobs."""
