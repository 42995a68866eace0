"""Build the services of alerts and reports: rules, their checks, plans, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bootstrap.foundation import Foundation
from core.errors import StartFailed
from core.models.ports import ModelPool
from core.platforms.ports import RouterView
from core.plugins.service import Plugins
from core.usage.alerts.checks import AlertChecks
from core.usage.alerts.gauges import Gauges
from core.usage.alerts.handling import AlertHandling
from core.usage.alerts.preview import AlertPreviews
from core.usage.alerts.rules import AlertRules
from core.usage.alerts.telling.delivery import AlertDelivery
from core.usage.alerts.telling.webhooks import AlertWebhooks
from core.usage.boards.service import Boards
from core.usage.reporting.plans import ReportPlans
from core.usage.reporting.runs import ReportRuns
from core.usage.reporting.writer import ReportWriter
from core.usage.sheets.service import Sheets
from data.mail import SmtpMail
from models.platforms.remote.webhooks import HttpWebhooks
from settings import Settings


@dataclass(frozen=True, kw_only=True)
class AlertServices:
    alert_rules: AlertRules
    alert_handling: AlertHandling
    alert_previews: AlertPreviews
    alert_webhooks: AlertWebhooks
    alert_delivery: AlertDelivery
    report_plans: ReportPlans
    report_writer: ReportWriter


def build_alerts(
    base: Foundation, pool: ModelPool, router: RouterView, boards: Boards, sheets: Sheets, plugins: Plugins, *, checks: bool = True
) -> AlertServices:
    """Build the services. checks: whether this process may evaluate rules; one without models cannot tell whether they are down."""
    settings, unit_of_work, clock, jobs = base.settings, base.unit_of_work, base.clock, base.jobs
    gauges = Gauges(clock, pool, router, base.index_worker)
    webhooks, mails = HttpWebhooks(), _mail(settings)
    writer = ReportWriter(unit_of_work, boards, sheets, plugins, clock)
    services = AlertServices(
        alert_rules=AlertRules(unit_of_work, clock),
        alert_handling=AlertHandling(unit_of_work, clock),
        alert_previews=AlertPreviews(unit_of_work, clock, gauges.read),
        alert_webhooks=AlertWebhooks(unit_of_work, clock, webhooks),
        alert_delivery=AlertDelivery(unit_of_work, jobs, clock, mails, webhooks, settings.public_url),
        report_plans=ReportPlans(unit_of_work, jobs, clock, settings.time_zone, can_mail=mails.available),
        report_writer=writer,
    )
    runs = ReportRuns(
        unit_of_work, jobs, clock, writer, mails, time_zone=settings.time_zone, public_url=settings.public_url
    )  # fmt: skip
    base.run_jobs_of(services.alert_delivery, runs)
    if checks:
        base.run_jobs_of(AlertChecks(unit_of_work, jobs, clock, gauges.read, settings.public_url))
    return services


def _mail(settings: Settings) -> SmtpMail:
    """Return the mail server of the settings. Raises StartFailed if its password cannot be read."""
    password = ""
    if settings.smtp_password_file:
        try:
            password = Path(settings.smtp_password_file).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise StartFailed("PORTAL_SMTP_PASSWORD_FILE cannot be read: {path}.", path=settings.smtp_password_file) from problem
    return SmtpMail(
        host=settings.smtp_host, port=settings.smtp_port, security=settings.smtp_security, user=settings.smtp_user, password=password,
        sender=settings.smtp_from, ca_file=settings.smtp_ca,
    )  # fmt: skip
