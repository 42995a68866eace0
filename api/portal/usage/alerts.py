"""Set up alerts, look after them, and read their history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.identity import SignedIn
from api.portal.shapes import Id, Moment, at_least_one
from api.portal.usage.alert_shapes import (
    Acknowledged,
    AlertOut,
    ChangedRule,
    ChangeOut,
    Days,
    DeliveriesOut,
    DeliveryOut,
    EpisodeOut,
    HistoryOut,
    Limit,
    MadeWebhook,
    NewRule,
    NewWebhook,
    PreviewOut,
    RuleOut,
    RulesOut,
    Silenced,
    WebhookOut,
    WebhooksOut,
)
from api.services import Portal, PortalHere
from core.people.records import User

router = APIRouter(prefix="/api/v1", tags=["usage"])


@router.get("/alert-rules")
def listing(portal: PortalHere, user: SignedIn) -> RulesOut:
    """List all rules with their state."""
    overview = portal.alert_rules.overview(user)
    return RulesOut(items=[RuleOut.of(each, overview) for each in overview.rules])


@router.post("/alert-rules", status_code=201)
def add(body: NewRule, portal: PortalHere, user: SignedIn) -> RuleOut:
    """Add a rule, which is checked from now on."""
    return _read(portal, user, portal.alert_rules.add(user, body.rule.rule()).id)


@router.post("/alert-rules/preview")
def preview(body: NewRule, portal: PortalHere, user: SignedIn, days: Days = 7) -> PreviewOut:
    """Say when a rule would have fired in the last days."""
    return PreviewOut.of(portal.alert_previews.preview(user, body.rule.rule(), days))


@router.get("/alert-rules/{rule_id}")
def read(rule_id: Id, portal: PortalHere, user: SignedIn) -> RuleOut:
    return _read(portal, user, rule_id)


@router.patch("/alert-rules/{rule_id}")
def change(rule_id: Id, body: ChangedRule, portal: PortalHere, user: SignedIn) -> RuleOut:
    """Replace a rule, or switch it on or off. A changed condition starts anew."""
    at_least_one(rule=body.rule, enabled=body.enabled)
    portal.alert_rules.change(user, rule_id, body.rule.rule() if body.rule else None, enabled=body.enabled)
    return _read(portal, user, rule_id)


@router.delete("/alert-rules/{rule_id}", status_code=204)
def remove(rule_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a rule. Its history stays."""
    portal.alert_rules.remove(user, rule_id)


@router.post("/alert-rules/{rule_id}/acknowledge")
def acknowledge(rule_id: Id, body: Acknowledged, portal: PortalHere, user: SignedIn) -> RuleOut:
    """Say that somebody looks after what fires: people are not told again before it is over."""
    portal.alert_handling.acknowledge(user, rule_id, body.note)
    return _read(portal, user, rule_id)


@router.put("/alert-rules/{rule_id}/silence")
def silence(rule_id: Id, body: Silenced, portal: PortalHere, user: SignedIn) -> RuleOut:
    """Tell nobody until then."""
    portal.alert_handling.silence(user, rule_id, body.until, body.reason)
    return _read(portal, user, rule_id)


@router.delete("/alert-rules/{rule_id}/silence")
def end_silence(rule_id: Id, portal: PortalHere, user: SignedIn) -> RuleOut:
    """Tell people again from now on."""
    portal.alert_handling.end_silence(user, rule_id)
    return _read(portal, user, rule_id)


@router.get("/alert-rules/{rule_id}/tests")
def tests(rule_id: Id, portal: PortalHere, user: SignedIn) -> DeliveriesOut:
    """Return the newest tests, newest first."""
    return DeliveriesOut(items=[DeliveryOut.of(each) for each in portal.alert_delivery.tests(user, rule_id)])


@router.post("/alert-rules/{rule_id}/tests", status_code=202)
def test(rule_id: Id, portal: PortalHere, user: SignedIn) -> DeliveriesOut:
    """Send a test to the mail addresses and webhooks of a rule."""
    return DeliveriesOut(items=[DeliveryOut.of(each) for each in portal.alert_delivery.test(user, rule_id)])


@router.get("/alert-history")
def history(
    portal: PortalHere, user: SignedIn, limit: Limit = 50,
    before: Annotated[Moment | None, Query(description="Only alerts that began earlier.")] = None,
) -> HistoryOut:  # fmt: skip
    """Return alerts, newest first, with what was sent about each."""
    found = portal.alert_handling.history(user, limit, before)
    items = []
    for each in found.episodes:
        sent = [DeliveryOut.of(delivery) for delivery in found.deliveries.get(each.id, ())]
        items.append(AlertOut(**dict(EpisodeOut.of(each, found.names.get(each.acknowledged_by or ""))), deliveries=sent))
    return HistoryOut(items=items, changes=[ChangeOut.of(each) for each in found.changes])


@router.get("/alert-webhooks")
def webhooks(portal: PortalHere, user: SignedIn) -> WebhooksOut:
    """List all webhooks, without their secrets."""
    return WebhooksOut(items=[WebhookOut.of(each) for each in portal.alert_webhooks.list(user)])


@router.post("/alert-webhooks", status_code=201)
def add_webhook(body: NewWebhook, portal: PortalHere, user: SignedIn) -> MadeWebhook:
    """Add a webhook. This is the only time that its secret is returned."""
    made = portal.alert_webhooks.add(user, body.name, body.address)
    return MadeWebhook(**dict(WebhookOut.of(made)), secret=made.secret)


@router.delete("/alert-webhooks/{webhook_id}", status_code=204)
def remove_webhook(webhook_id: Id, portal: PortalHere, user: SignedIn) -> None:
    """Delete a webhook, and take it out of the rules that tell it."""
    portal.alert_webhooks.remove(user, webhook_id)


def _read(portal: Portal, user: User, rule_id: str) -> RuleOut:
    stored, overview = portal.alert_rules.get(user, rule_id), portal.alert_rules.overview(user)
    return RuleOut.of(stored, overview)
