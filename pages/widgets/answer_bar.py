"""The foot of an answer: copy, thumbs, regenerate, versions and figures in one component instead of seven widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.conversations import Shown
from pages.words import t

_CSS = """
.bar{display:flex;align-items:center;gap:.125rem;margin-left:-.375rem;min-height:1.75rem;font:400 .8667rem/1.5 var(--st-font);color:var(--st-gray-text-color);
 font-variant-numeric:tabular-nums;white-space:nowrap}
.meta{margin-left:.5rem;overflow:hidden;text-overflow:ellipsis} .meta .mark{color:var(--st-orange-text-color)}
.versions{display:flex;align-items:center;margin-right:.25rem}
button{all:unset;box-sizing:border-box;cursor:pointer;width:1.75rem;height:1.75rem;flex:none;border-radius:.375rem;display:grid;place-items:center;color:inherit}
button:hover{background:var(--st-secondary-background-color);color:var(--st-text-color)}
button:focus-visible{outline:2px solid var(--st-link-color);outline-offset:1px}
button[aria-pressed=true]{color:var(--st-link-color)} button[aria-pressed=true] i{font-variation-settings:'FILL' 1}
button[disabled]{opacity:.35!important;cursor:default}
i{font:400 1.1rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
button{opacity:.7;transition:opacity .15s} .bar:hover button,button:focus-visible,button[aria-pressed=true]{opacity:1}
@media (pointer:coarse){button{width:2.5rem;height:2.5rem;opacity:1}}
@media (max-width:640px){.opt{display:none}}
@media (prefers-reduced-motion:reduce){button{transition:none}}
"""
_JS = """
export default function({data, parentElement, setTriggerValue}) {
  const L = data.labels;
  const say = event => setTriggerValue('event', {...event, message: data.id});
  const button = (name, label, act, pressed) => {
    const b = document.createElement('button'); b.title = label; b.setAttribute('aria-label', label);
    if (pressed !== undefined) b.setAttribute('aria-pressed', pressed);
    const i = document.createElement('i'); i.textContent = name; i.translate = false; i.setAttribute('aria-hidden', 'true');
    b.append(i); b.onclick = () => act(b, i); return b;
  };
  const copy = async (b, i) => {
    try { await navigator.clipboard.writeText(data.text); }
    catch { const area = document.createElement('textarea'); area.value = data.text; document.body.append(area); area.select(); document.execCommand('copy'); area.remove(); }
    i.textContent = 'check'; b.title = L.copied; setTimeout(() => { i.textContent = 'content_copy'; b.title = L.copy; }, 1400);
  };
  const request = Date.now().toString(36) + Math.random().toString(36).slice(2);   // made once per drawing: a double click asks once
  const rate = value => () => say({kind: 'rate', rating: data.rating === value ? 0 : value});
  const parts = [];
  if (data.versions.length > 1) {
    const box = document.createElement('span'); box.className = 'versions';
    const turn = (name, label, id) => { const b = button(name, label, () => say({kind: 'version', id})); b.disabled = !id; return b; };
    const place = document.createElement('span'); place.textContent = L.of;
    box.append(turn('chevron_left', L.earlier, data.versions[data.version - 2]), place, turn('chevron_right', L.later, data.versions[data.version]));
    parts.push(box);
  }
  if (data.text) parts.push(button('content_copy', L.copy, copy));
  if (data.ratable) {
    parts.push(button('thumb_up', L.up, rate(1), data.rating === 1), button('thumb_down', L.down, rate(-1), data.rating === -1));
    if (data.rating) parts.push(button('add_comment', L.comment, () => say({kind: 'comment'})));
  }
  if (data.free) parts.push(button('refresh', L.again, b => { b.disabled = true; say({kind: 'again', request}); setTimeout(() => b.disabled = false, 3000); }));
  const meta = document.createElement('span'); meta.className = 'meta';
  data.meta.forEach((text, n) => {
    const span = document.createElement('span'); span.textContent = (n ? ' \\u00b7 ' : '') + text; if (n > 1) span.className = 'opt'; meta.append(span);
  });
  if (data.mark) { const mark = document.createElement('span'); mark.className = 'mark'; mark.textContent = data.mark + (data.meta.length ? ' \\u00b7 ' : ''); meta.prepend(mark); }
  meta.title = meta.textContent;
  parentElement.querySelector('.bar').replaceChildren(...parts, meta);
}
"""
_bar = st.components.v2.component("answer_bar", html="<div class='bar'></div>", css=_CSS, js=_JS)


def answer_bar(shown: Shown, *, meta: Sequence[str], mark: str, free: bool, on_event: Callable[[str], None]) -> None:
    """mark: how it ended, where that is not the ordinary way. free: no answer is running, so it may be regenerated.

    `on_event` is called with the component's key, whose state then holds `event`, with the answer's id as "message":
    {"kind": "rate", "rating"}, {"kind": "comment"}, {"kind": "again", "request"} or {"kind": "version", "id"}.
    """
    message = shown.message
    key = f"bar-{message.id}"
    _bar(
        key=key,
        data={
            "id": message.id,
            "text": message.text,
            "rating": message.rating,
            "ratable": bool(message.text),
            "free": free,
            "version": shown.version,
            "versions": list(shown.versions),
            "meta": list(meta),
            "mark": mark,
            "labels": {
                "copy": t("Copy"),
                "copied": t("Copied"),
                "up": t("Good answer"),
                "down": t("Poor answer"),
                "comment": t("Comment on your rating"),
                "again": t("Regenerate"),
                "earlier": t("Earlier version"),
                "later": t("Later version"),
                "of": t("{version} of {total}", version=shown.version, total=len(shown.versions)),
            },
        },
        on_event_change=lambda: on_event(key),
    )
