"""Draw many texts as the portal draws a model's, for tests: `?batch=N` names a file of the folder in DOCUMENTS."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[1]))

from pages.shell import frame
from pages.widgets.chat.message import show

frame.style()
for number, text in enumerate(json.loads((Path(os.environ["DOCUMENTS"]) / f"{int(st.query_params['batch'])}.json").read_text("utf-8"))):
    with st.container(key=f"document-{number}"):
        show(text)
with st.container(key="drawn"):
    st.text("drawn")
