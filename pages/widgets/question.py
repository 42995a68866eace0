"""A question in the transcript: one component with the bubble, its editor and its versions."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.conversations import Shown
from pages.words import t

_CSS = """
.q{display:flex;justify-content:flex-end;align-items:center;gap:.375rem;font:400 1rem/1.65 var(--st-font);color:var(--st-text-color)}
.bubble{max-width:85%;box-sizing:border-box;padding:.625rem 1rem;border-radius:1.125rem;white-space:pre-wrap;overflow-wrap:anywhere;
 background:color-mix(in srgb,currentColor 6%,transparent)}
.bubble.long:not(.open){max-height:15.5rem;overflow:hidden;-webkit-mask:linear-gradient(#000 70%,transparent);mask:linear-gradient(#000 70%,transparent)}
.tools{display:flex;align-items:center;font-size:.8667rem;color:var(--st-gray-text-color);font-variant-numeric:tabular-nums;white-space:nowrap}
button{all:unset;box-sizing:border-box;cursor:pointer;min-width:1.75rem;height:1.75rem;border-radius:.375rem;display:grid;place-items:center;color:inherit}
.tools button{opacity:.7} .q:hover .tools button,.tools button:focus-visible{opacity:1}
button:hover{background:var(--st-secondary-background-color);color:var(--st-text-color)}
button:focus-visible,textarea:focus-visible{outline:2px solid var(--st-link-color);outline-offset:1px}
button[disabled]{opacity:.35;cursor:default}
i{font:400 1.1rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
.edit{width:100%;display:grid;gap:.5rem}
textarea{box-sizing:border-box;width:100%;min-height:5.5rem;max-height:24rem;resize:vertical;font:inherit;color:inherit;padding:.625rem 1rem;
 border-radius:1.125rem;border:1px solid var(--st-border-color);background:transparent;field-sizing:content}
.row{display:flex;justify-content:flex-end;gap:.5rem;font-size:.8667rem}
.row button{padding:0 .875rem;height:2.125rem;border-radius:.5rem;border:1px solid var(--st-border-color)}
.row .send{background:var(--st-primary-color);border-color:var(--st-primary-color);color:#fff} .row .send:hover{filter:brightness(1.08)}
@media (pointer:coarse){button{min-width:2.5rem;height:2.5rem}.tools button{opacity:1}.row button{height:2.5rem}}
@media (max-width:640px){.q{flex-wrap:wrap}.tools{order:2;width:100%;justify-content:flex-end;margin-top:-.25rem}}
"""
_JS = """
export default function({data, parentElement, setTriggerValue}) {
  const root = parentElement.querySelector('.q');
  if (root.dataset.editing) return;               // a rerun must not take the words out of somebody's hands
  const L = data.labels;
  const el = (tag, props, ...inside) => { const e = Object.assign(document.createElement(tag), props || {}); e.append(...inside); return e; };
  const icon = name => { const i = el('i', {textContent: name, translate: false}); i.setAttribute('aria-hidden', 'true'); return i; };
  const tool = (name, label, act, off) => {
    const b = el('button', {title: label, disabled: !!off, onclick: () => act(b)}, icon(name));
    b.setAttribute('aria-label', label); return b;
  };
  const draw = () => {
    delete root.dataset.editing;
    const bubble = el('div', {className: 'bubble', textContent: data.text});
    const tools = el('div', {className: 'tools'});
    if (data.versions.length > 1) tools.append(
      tool('chevron_left', L.earlier, () => setTriggerValue('event', {kind: 'version', id: data.versions[data.version - 2]}), data.version < 2),
      el('span', {textContent: L.of}),
      tool('chevron_right', L.later, () => setTriggerValue('event', {kind: 'version', id: data.versions[data.version]}), data.version >= data.versions.length));
    if (data.editable) tools.append(tool('edit', L.edit, edit));
    root.replaceChildren(tools, bubble);
    if (bubble.scrollHeight > 340) {
      bubble.classList.add('long');
      tools.prepend(tool('unfold_more', L.all, b => { const open = bubble.classList.toggle('open');
        b.querySelector('i').textContent = open ? 'unfold_less' : 'unfold_more'; }));
    }
  };
  const edit = () => {
    root.dataset.editing = '1';
    const request = Date.now().toString(36) + Math.random().toString(36).slice(2);   // one editor, one request: a double click asks once
    const area = el('textarea', {value: data.text});
    area.setAttribute('aria-label', L.edit);
    const send = () => { if (area.value.trim()) { setTriggerValue('event', {kind: 'edit', id: data.id, text: area.value, request}); draw(); } };
    area.onkeydown = event => {
      event.stopPropagation();
      if (event.key === 'Escape') draw();
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    };
    root.replaceChildren(el('div', {className: 'edit'}, area, el('div', {className: 'row'},
      el('button', {textContent: L.cancel, onclick: draw}), el('button', {className: 'send', textContent: L.send, onclick: send}))));
    area.focus(); area.setSelectionRange(area.value.length, area.value.length);
  };
  draw();
}
"""
_question = st.components.v2.component("question", html="<div class='q'></div>", css=_CSS, js=_JS)


def question(shown: Shown, *, editable: bool, on_event: Callable[[str], None]) -> None:
    """Draw the question; `on_event` is called with the component's key, whose state then holds `event`:

    {"kind": "edit", "id", "text", "request"} or {"kind": "version", "id"}.
    """
    key = f"question-{shown.message.id}"
    _question(
        key=key,
        data={
            "id": shown.message.id,
            "text": shown.message.text,
            "editable": editable,
            "version": shown.version,
            "versions": list(shown.versions),
            "labels": {
                "edit": t("Edit the question"),
                "send": t("Send"),
                "cancel": t("Cancel"),
                "all": t("Show all"),
                "earlier": t("Earlier version"),
                "later": t("Later version"),
                "of": t("{version} of {total}", version=shown.version, total=len(shown.versions)),
            },
        },
        on_event_change=lambda: on_event(key),
    )
