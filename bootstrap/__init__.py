"""Compose the portal: settings in, a running portal out."""
