"""Choose who runs a template, and remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.people.records import User
from core.prompts.records import Share
from core.workflows.templates.records import ListedTemplate
from pages.shell.words import t
from pages.widgets.common.card import card
from pages.widgets.common.outcome import carry_out
from pages.widgets.tasks.step_form import DONE
from pages.widgets.tasks.templates.listing import open_template

if TYPE_CHECKING:
    from bootstrap.portal import Portal

_SHARES = {Share.OWN: "Only me", Share.GROUP: "My group", Share.EVERYONE: "Everyone"}


def rights(portal: Portal, user: User, listed: ListedTemplate) -> None:
    """Draw this for the owner, and for those who may withdraw it from everyone."""
    template = listed.template
    if not (listed.own or (listed.may_publish and template.share is Share.EVERYONE)):
        return
    with card("template-rights", t("Who runs it"), t("Each run has the rights and files of whoever starts it.")):
        offered = [Share.OWN]
        if listed.own and (user.group or template.share is Share.GROUP):
            offered.append(Share.GROUP)
        if listed.may_publish or template.share is Share.EVERYONE:
            offered.append(Share.EVERYONE)
        fixed = template.share is Share.EVERYONE and not listed.may_publish
        if len(offered) > 1:
            names = {**_SHARES, **({} if listed.own else {Share.OWN: "Its owner"})}
            share = st.segmented_control(
                t("Who runs it"), offered, default=template.share, format_func=lambda each: t(names[each]),
                key=f"template-share-{template.id}-{template.share}", label_visibility="collapsed", required=True, disabled=fixed,
            )  # fmt: skip
            if share is not None and share is not template.share:
                carry_out(lambda: _shared(portal, user, template.id, share), DONE)
        else:
            st.caption(t("You are in no group, so there is nobody to share it with."))


def removal(portal: Portal, user: User, listed: ListedTemplate) -> None:
    with st.popover(t("Delete"), type="tertiary", key="template-delete"):
        shared = t("Those who share it lose it, too.") if listed.template.share is not Share.OWN else ""
        st.markdown(f"{t('Delete this template? Tasks that it made stay.')} {shared}")
        if st.button(t("Delete"), key="template-delete-sure"):
            carry_out(lambda: _removed(portal, user, listed.template.id), DONE)


def _shared(portal: Portal, user: User, template_id: str, share: Share) -> str:
    portal.task_templates.share(user, template_id, share)
    if not any(each.template.id == template_id for each in portal.task_templates.list(user)):
        open_template(None)
    said = {Share.OWN: "Only its owner runs it now.", Share.GROUP: "Your group can run it now.", Share.EVERYONE: "Everyone can run it now."}
    return t(said[share])


def _removed(portal: Portal, user: User, template_id: str) -> str:
    portal.task_templates.remove(user, template_id)
    open_template(None)
    return t("The template was deleted.")
