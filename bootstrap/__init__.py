"""The composition root: settings in, a running portal out."""
