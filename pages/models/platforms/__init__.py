"""Platforms (admin): model servers, routes, and the configuration with its versions.

In reading order:

- page: the overview, with links to the other views
- card: a platform, and the routes
- route_box: show the route that a question would take
- embeddings_card: hit rate and size of the embedding cache
- form: edit platforms and routes in forms
- configuration: edit the configuration, and view and restore its versions
"""

from pages.models.platforms.page import render

__all__ = ["render"]
