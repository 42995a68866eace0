"""The session cookie. A page cannot and must not set an HttpOnly cookie, so the browser fetches it from the session route."""

from __future__ import annotations

import streamlit as st

_JS = """
export default function({data, setTriggerValue}) {
  const seen = (window.__glmPortalExchanged ||= new Set());
  if (seen.has(data.once)) return;
  seen.add(data.once);
  const request = data.ticket
    ? fetch('/api/v1/session/ticket', {method: 'POST', credentials: 'same-origin',
        headers: {'Content-Type': 'application/json'}, body: JSON.stringify({ticket: data.ticket})})
    : fetch('/api/v1/session', {method: 'DELETE', credentials: 'same-origin'});
  request.then(answer => {
    // A new load, not a rerun: the websocket carries the cookies it was opened with.
    if (answer.ok || !data.ticket) window.location.replace(data.ticket ? window.location.href : '/');
    else setTriggerValue('failed', data.once);
  }).catch(() => setTriggerValue('failed', data.once));
}
"""
_exchange = st.components.v2.component("session_cookie", js=_JS)


def take_cookie(ticket: str) -> bool:
    """Let the browser exchange the one-time ticket for the session cookie and reload the page. Return True if that failed."""
    with st.container(key="zero-cookie"):
        result = _exchange(key="take-cookie", data={"ticket": ticket, "once": ticket}, height=1, on_failed_change=_rerun)
    return bool(result.failed)


def drop_cookie(once: str) -> bool:
    """Let the browser end its session and load the start page. Return True if that failed. once: a different value for each request."""
    with st.container(key="zero-cookie"):
        result = _exchange(key="drop-cookie", data={"ticket": None, "once": once}, height=1, on_failed_change=_rerun)
    return bool(result.failed)


def _rerun() -> None:
    """Do nothing: a component reports a trigger only if there is a callback."""
