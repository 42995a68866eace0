"""The conversations in the sidebar: one component for all rows, their menus and marks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta, timezone

import streamlit as st

from core.entities import Conversation
from pages.words import t

_CSS = """
.list{font:400 .8667rem/1.4 var(--st-font);color:var(--st-text-color);padding-bottom:1rem}
h4{margin:0;padding:.875rem .625rem .25rem;font:inherit;color:var(--st-gray-text-color)}
.none{padding:.875rem .625rem;color:var(--st-gray-text-color)}
.row{position:relative;display:flex;align-items:center;min-height:2.125rem;border-radius:.5rem}
.row:hover{background:color-mix(in srgb,currentColor 5%,transparent)} .row.on{background:color-mix(in srgb,currentColor 9%,transparent);font-weight:500}
a{flex:1;min-width:0;padding:.4375rem 0 .4375rem .625rem;color:inherit;text-decoration:none;overflow:hidden;white-space:nowrap;text-overflow:ellipsis;border-radius:.5rem}
a:focus-visible,button:focus-visible,input:focus-visible{outline:2px solid var(--st-link-color);outline-offset:-2px}
button{all:unset;box-sizing:border-box;cursor:pointer}
.more{flex:none;width:1.75rem;height:1.75rem;margin-right:.1875rem;border-radius:.375rem;display:grid;place-items:center;opacity:.45}
.row:hover .more,.row.on .more,.more:focus-visible,.more[aria-expanded=true]{opacity:1} .more:hover{background:color-mix(in srgb,currentColor 9%,transparent)}
i{font:400 1.1rem/1 'Material Symbols Rounded';font-feature-settings:'liga'}
.spin{flex:none;width:.75rem;height:.75rem;margin:0 .25rem;border-radius:50%;border:1.5px solid color-mix(in srgb,currentColor 22%,transparent);
 border-top-color:currentColor;animation:turn .9s linear infinite} @keyframes turn{to{transform:rotate(1turn)}}
.menu{position:absolute;right:.1875rem;top:2rem;z-index:5;min-width:9rem;padding:.25rem;border-radius:.5rem;border:1px solid var(--st-border-color);background:var(--st-background-color)}
.menu button{display:flex;align-items:center;gap:.5rem;width:100%;padding:.375rem .5rem;border-radius:.375rem;font-weight:400}
.menu button:hover,.menu button:focus-visible{background:color-mix(in srgb,currentColor 7%,transparent)} .menu .red{color:var(--st-red-text-color)}
input{all:unset;box-sizing:border-box;flex:1;min-width:0;margin:.1875rem;padding:.25rem .4375rem;border-radius:.375rem;background:var(--st-background-color);border:1px solid var(--st-border-color)}
@media (pointer:coarse){.row{min-height:2.5rem}.more{width:2.5rem;height:2.5rem;opacity:1}.menu button{min-height:2.5rem}}
@media (prefers-reduced-motion:reduce){.spin{animation-duration:4s}}
"""
_JS = """
export default function({data, parentElement, setTriggerValue}) {
  const list = parentElement.querySelector('.list');
  if (list.dataset.busy) return;                  // somebody is typing a title or reading a menu
  const L = data.labels;
  const el = (tag, props, ...inside) => { const e = Object.assign(document.createElement(tag), props || {}); e.append(...inside); return e; };
  const icon = name => { const i = el('i', {textContent: name, translate: false}); i.setAttribute('aria-hidden', 'true'); return i; };
  const say = event => setTriggerValue('event', event);
  let shut = () => {};
  const row = item => {
    const link = el('a', {href: '?c=' + item.id, textContent: item.title || L.untitled, title: item.title || L.untitled});
    link.onclick = event => { if (event.metaKey || event.ctrlKey || event.shiftKey) return; event.preventDefault(); say({kind: 'open', id: item.id}); };
    const more = el('button', {className: 'more', title: L.more}, icon('more_horiz'));
    more.setAttribute('aria-label', L.more + ': ' + (item.title || L.untitled)); more.setAttribute('aria-haspopup', 'menu'); more.setAttribute('aria-expanded', 'false');
    const line = el('div', {className: 'row' + (item.id === data.open ? ' on' : '')}, link);
    if (item.id === data.open) link.setAttribute('aria-current', 'page');
    if (item.running) line.append(el('span', {className: 'spin', title: L.running}));
    line.append(more);
    more.onclick = () => { const open = more.getAttribute('aria-expanded') === 'true'; shut(); if (!open) menu(item, line, more); };
    return line;
  };
  const menu = (item, line, more) => {
    list.dataset.busy = '1'; more.setAttribute('aria-expanded', 'true');
    const choice = (name, label, act, css) => { const b = el('button', {className: css || '', onclick: () => { shut(); act(); }}, icon(name), label); b.setAttribute('role', 'menuitem'); return b; };
    const box = el('div', {className: 'menu'}, choice('edit', L.rename, () => rename(item, line)), choice('delete', L.delete, () => say({kind: 'delete', id: item.id}), 'red'));
    box.setAttribute('role', 'menu');
    line.append(box); box.querySelector('button').focus();
    if (box.getBoundingClientRect().bottom > innerHeight) { box.style.top = 'auto'; box.style.bottom = '2rem'; }
    const outside = event => { if (!event.composedPath().includes(line)) shut(); };
    const keys = event => {
      const all = [...box.querySelectorAll('button')], at = all.indexOf(box.getRootNode().activeElement);
      if (event.key === 'Escape') { event.stopPropagation(); shut(); more.focus(); }
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); all[(at + (event.key === 'ArrowDown' ? 1 : all.length - 1)) % all.length].focus(); }
    };
    document.addEventListener('pointerdown', outside, true); box.addEventListener('keydown', keys);
    shut = () => { delete list.dataset.busy; more.setAttribute('aria-expanded', 'false'); box.remove(); document.removeEventListener('pointerdown', outside, true); shut = () => {}; };
  };
  const rename = (item, line) => {
    list.dataset.busy = '1';
    const input = el('input', {value: item.title, maxLength: 80}); input.setAttribute('aria-label', L.title);
    let done = false;
    const end = keep => {
      if (done) return; done = true; delete list.dataset.busy;
      const title = input.value.trim();
      if (keep && title && title !== item.title) { say({kind: 'rename', id: item.id, title}); item = {...item, title}; }
      line.replaceWith(row(item));
    };
    input.onkeydown = event => { event.stopPropagation(); if (event.key === 'Enter' && !event.isComposing) end(true); if (event.key === 'Escape') end(false); };
    input.onblur = () => end(true);
    line.replaceChildren(input); input.focus(); input.select();
  };
  const parts = [];
  data.groups.forEach(([title, items]) => parts.push(el('h4', {textContent: title}), ...items.map(row)));
  if (!parts.length) parts.push(el('div', {className: 'none', textContent: data.none}));
  list.replaceChildren(...parts);
}
"""
_list = st.components.v2.component("conversation_list", html="<nav class='list'></nav>", css=_CSS, js=_JS)

_GROUPS = ("Today", "Yesterday", "Last 7 days", "Last 30 days", "Older")


def conversation_list(
    conversations: Sequence[Conversation], *, open_id: str | None, running: Collection[str], found: bool, on_event: Callable[[], None]
) -> None:
    """found: the conversations are what a search found, best first, so they are not grouped by day.

    `on_event` is called when `st.session_state["conversations"].event` holds {"kind": "open" | "delete", "id"} or
    {"kind": "rename", "id", "title"}.
    """
    groups = [(t("Found"), list(conversations))] if found and conversations else by_day(conversations, _now())
    _list(
        key="conversations",
        data={
            "open": open_id,
            "groups": [
                [title, [{"id": each.id, "title": each.title, "running": each.id in running} for each in members]] for title, members in groups
            ],
            "none": t("No chat has these words.") if found else t("Your chats will be listed here."),
            "labels": {
                "untitled": t("New chat"),
                "more": t("More"),
                "rename": t("Rename"),
                "delete": t("Delete"),
                "title": t("Title"),
                "running": t("An answer is being written"),
            },
        },
        on_event_change=on_event,
    )


def by_day(conversations: Sequence[Conversation], now: datetime) -> list[tuple[str, list[Conversation]]]:
    """Groups with their translated heads, newest first; days are those of `now`'s time zone. Empty groups are left out."""
    members: dict[str, list[Conversation]] = {title: [] for title in _GROUPS}
    for each in conversations:
        members[_group(each.updated_at.astimezone(now.tzinfo).date(), now.date())].append(each)
    return [(t(title), each) for title, each in members.items() if each]


def _group(day: date, today: date) -> str:
    age = today - day
    if age <= timedelta(0):
        return "Today"
    if age == timedelta(1):
        return "Yesterday"
    return "Last 7 days" if age <= timedelta(7) else "Last 30 days" if age <= timedelta(30) else "Older"


def _now() -> datetime:
    return datetime.now(_zone())


def _zone() -> timezone:
    """The browser's time zone, as an offset; UTC until it is known."""
    # Streamlit gives the difference as JavaScript does: minutes from local time to UTC.
    return timezone(timedelta(minutes=-(st.context.timezone_offset or 0)))
