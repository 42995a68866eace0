"""The page of prompts.

In reading order:

- page: list, edit, share and restore prompts
"""

from pages.prompts.page import render

__all__ = ["render"]
