"""Serve the portal's own REST API, one file per resource."""
