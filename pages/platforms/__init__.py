"""Platforms (admin): model servers, where questions go, and the configuration with its versions.

In reading order:

- page: the overview, and the ways to the other views
- card: one platform, and the routes
- route_box: where a question would go
- embeddings_card: how often the embedding cache helped
- form: platforms and routes as forms over the text
- configuration: edit the configuration, look at its versions
"""

from pages.platforms.page import render

__all__ = ["render"]
