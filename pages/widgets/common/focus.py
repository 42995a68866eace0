"""Put the cursor in a new field, so that people can type right after a shortcut."""

from __future__ import annotations

import streamlit as st

_JS = """
export default function({data}) {
  const place = () => {
    const field = document.querySelector('.st-key-' + data.key + ' :is(textarea, input)');
    if (!field) return;
    field.focus(); field.setSelectionRange(field.value.length, field.value.length);
  };
  const soon = setTimeout(place, 150);   // a dialog takes the focus itself when its opening ends
  return () => clearTimeout(soon);
}
"""
_focus = st.components.v2.component("focus_field", js=_JS)


def focus(key: str) -> None:
    """Focus the text field of the widget with this key, once."""
    with st.container(key=f"zero-focus-{key}"):
        _focus(key=f"focus-{key}", data={"key": key}, height=1)
