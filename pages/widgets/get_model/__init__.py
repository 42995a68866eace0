"""Widgets of the page Get a model.

In reading order:

- catalogue_card: a known model, what fits, and its download
- transfers: downloads and imports under way
- other_sources: a repository by its name, a folder on the server, the browser
- upload: a file from the browser, in pieces
- first_model: the hint while only the guide is loaded
"""
