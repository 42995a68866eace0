"""Widgets of the Get a model page.

In reading order:

- catalogue_card: a known model, what fits, and its download
- transfers: running downloads, imports and quantizations
- other_sources: get models from a repository, a folder on the server, or the browser
- upload: upload a file from the browser in pieces
- first_model: the hint while only the guide is loaded
"""
