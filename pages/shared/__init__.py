"""A shared chat: what somebody lets others read.

In reading order:

- page: the page
"""

from pages.shared.page import render

__all__ = ["render"]
