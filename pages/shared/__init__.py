"""The page of a shared chat.

In reading order:

- page: show a shared chat
"""

from pages.shared.page import render

__all__ = ["render"]
