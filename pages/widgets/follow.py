"""Two things only the browser can do: keep the newest line in view, and close the sidebar on a phone after a choice."""

from __future__ import annotations

import streamlit as st

from pages.words import t

_FOLLOW_CSS = """
button{all:unset;position:absolute;left:50%;bottom:calc(100% + .5rem);transform:translateX(-50%);display:none;place-items:center;cursor:pointer;
 width:2.25rem;height:2.25rem;border-radius:50%;background:var(--st-background-color);color:var(--st-text-color);border:1px solid var(--st-border-color)}
button.on{display:grid} button:focus-visible{outline:2px solid var(--st-link-color)} i{font:400 1.2rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
@media (pointer:coarse){button{width:2.5rem;height:2.5rem}}
"""
_FOLLOW_JS = """
export default function({data, parentElement}) {
  const box = document.querySelector('.st-key-transcript');
  const button = parentElement.querySelector('button');
  button.title = data.label; button.setAttribute('aria-label', data.label);
  let pane = box && box.parentElement;
  while (pane && !/(auto|scroll)/.test(getComputedStyle(pane).overflowY)) pane = pane.parentElement;
  if (!box || !pane) { button.classList.remove('on'); return; }
  const left = () => pane.scrollHeight - pane.clientHeight - pane.scrollTop;
  const opened = window.__glmPortalShown !== data.conversation;      // another conversation starts at its newest message
  window.__glmPortalShown = data.conversation;
  let following = opened || left() < 80;
  let hand = -1e4;   // only a person stops the following: a scroll event can also arrive late, after the text has grown
  const show = () => button.classList.toggle('on', left() > 160);
  const onHand = () => { hand = performance.now(); };
  const onScroll = () => { if (left() < 80) following = true; else if (performance.now() - hand < 400) following = false; show(); };
  const HANDS = ['wheel', 'touchmove', 'keydown', 'pointerdown'];
  pane.addEventListener('scroll', onScroll, {passive: true});
  HANDS.forEach(name => pane.addEventListener(name, onHand, {passive: true}));
  const grown = new ResizeObserver(() => { if (following) pane.scrollTop = pane.scrollHeight; show(); });
  grown.observe(box);
  button.onclick = () => { following = true; pane.scrollTo({top: pane.scrollHeight, behavior: 'smooth'}); };
  return () => { grown.disconnect(); pane.removeEventListener('scroll', onScroll); HANDS.forEach(name => pane.removeEventListener(name, onHand)); };
}
"""
_follow = st.components.v2.component(
    "follow", html="<button><i aria-hidden='true' translate='no'>arrow_downward</i></button>", css=_FOLLOW_CSS, js=_FOLLOW_JS
)

_CLOSE_JS = """
export default function({data}) {
  const before = window.__glmPortalOpen;
  window.__glmPortalOpen = data.conversation;
  if (before !== undefined && before !== data.conversation && window.innerWidth < 768)
    document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}
"""
_close = st.components.v2.component("close_sidebar", js=_CLOSE_JS)


def follow(conversation: str) -> None:
    """Scroll with the growing transcript until the person scrolls up; a button then goes back to the newest line."""
    with st.container(key="follow"):
        _follow(key="follow-transcript", data={"conversation": conversation, "label": t("Jump to the newest message")})


def close_sidebar(conversation: str) -> None:
    """On a phone the sidebar covers the page: close it when another conversation is opened."""
    with st.container(key="zero-close"):
        _close(key="close-sidebar", data={"conversation": conversation}, height=1)
