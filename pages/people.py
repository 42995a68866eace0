"""People (admin): add, disable, change role, reset password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.entities import User
if TYPE_CHECKING:
    from bootstrap import Portal


def render(portal: Portal, user: User) -> None:
    st.write("people")
