"""Show what a program needs to use the portal: addresses, model names, and a snippet to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from core.errors import PortalError
from core.people.records import User
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_KEY_HERE = "YOUR_API_KEY"
_PYTHON = """from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key="{key}")
answer = client.chat.completions.create(model="{model}", messages=[{{"role": "user", "content": "Hello"}}])
print(answer.choices[0].message.content)"""
_JAVASCRIPT = """import OpenAI from "openai";

const client = new OpenAI({{ baseURL: "{address}/v1", apiKey: "{key}" }});
const messages = [{{ role: "user", content: "Hello" }}];
const answer = await client.chat.completions.create({{ model: "{model}", messages }});
console.log(answer.choices[0].message.content);"""
_CURL = """curl {address}/v1/chat/completions \\
  -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'"""
_ASSISTANT = """export ANTHROPIC_BASE_URL={address}
export ANTHROPIC_AUTH_TOKEN={key}
export ANTHROPIC_MODEL={model}
claude"""
_SNIPPETS = {
    "Python": (_PYTHON, "python"),
    "JavaScript": (_JAVASCRIPT, "javascript"),
    "curl": (_CURL, "bash"),
    "Claude Code": (_ASSISTANT, "bash"),
}


def from_programs(portal: Portal, user: User, token: str | None) -> None:
    """Draw the box. token: a new key to insert into the snippet; None shows a placeholder."""
    note = t("Most programs that speak OpenAI's or Anthropic's API need only an address and a key.")
    with card("from-programs", t("Use from programs"), note):
        try:
            models = [name for model in portal.gateway.chat_models(user) for name in model.names]
        except PortalError as problem:
            st.caption(plain(error_text(problem)))
            return
        address = _address(portal)
        st.caption(t("Address for programs that speak OpenAI's API"))
        st.code(f"{address}/v1", language=None)
        st.caption(t("Address for programs that speak Anthropic's API"))
        st.code(address, language=None)
        if not models:
            st.markdown(t("No chat model is loaded now, so programs get no answers."))
            return
        model = st.selectbox(t("Model"), models, key="programs-model")
        shown = st.segmented_control(
            t("Program"), list(_SNIPPETS), default="Python", key="programs-snippet", label_visibility="collapsed", required=True
        )
        snippet, language = _SNIPPETS[shown]
        st.code(snippet.format(address=address, key=token or _KEY_HERE, model=model), language=language, wrap_lines=True)


def _address(portal: Portal) -> str:
    """Return the address under which this browser reached the portal, without a path."""
    seen = urlsplit(st.context.url or "")
    if seen.scheme and seen.netloc:
        return f"{seen.scheme}://{seen.netloc}"
    return f"http://{portal.settings.host}:{portal.settings.port}"
