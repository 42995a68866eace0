"""Build the services of operations: index care, backups, retention, search and usage reports."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bootstrap.foundation import Foundation
from bootstrap.parts import BACKUP_KEY
from core.operations.backups import Backups
from core.operations.index_maintenance import IndexMaintenance
from core.operations.logs.service import PortalLogs
from core.operations.retention import Retention
from core.review.names import ReviewNames
from core.search.search import Search
from core.search.suggestions import Suggestions
from core.usage.boards.rows import AnswerLines
from core.usage.boards.service import Boards
from core.usage.money.repricing import Repricing
from core.usage.money.service import Money
from core.usage.own import OwnUsage
from core.usage.reports import UsageReports
from core.usage.rollups.service import Rollups
from core.usage.sheets.service import Sheets
from data.backup.folder import SqlBackupFolder
from data.index.reconciler import Reconciler
from data.index.rejected_jobs import RejectedIndexJobs
from data.inspection import SqlStoreInspector
from data.logs.files import JsonLogFiles


@dataclass(frozen=True, kw_only=True)
class OperationsServices:
    index_maintenance: IndexMaintenance
    backups: Backups
    retention: Retention
    logs: PortalLogs
    search: Search
    suggestions: Suggestions
    usage: UsageReports
    boards: Boards
    own_usage: OwnUsage
    money: Money
    sheets: Sheets
    repricing: Repricing
    answer_lines: AnswerLines


def build_operations(base: Foundation, names: ReviewNames) -> OperationsServices:
    database, unit_of_work, clock, index, worker = base.database, base.unit_of_work, base.clock, base.index, base.index_worker
    folder = SqlBackupFolder(database, base.settings.home / "backups")
    key = os.environ.get(BACKUP_KEY) or None
    rollups = Rollups(unit_of_work, clock, base.settings.time_zone)
    boards, money = Boards(unit_of_work, rollups, clock, float(base.settings.max_wait_s)), Money(unit_of_work, rollups, clock)
    services = OperationsServices(
        index_maintenance=IndexMaintenance(
            unit_of_work, base.jobs, index, worker, RejectedIndexJobs(database), Reconciler(database, index), clock
        ),
        backups=Backups(unit_of_work, base.jobs, SqlStoreInspector(database), folder, clock, base.server, key, base.disk),
        retention=Retention(unit_of_work, clock, base.settings.notice_days, base.settings.alert_days),
        logs=PortalLogs(JsonLogFiles(base.settings.home / "logs", readable=base.settings.log_format != "text"), unit_of_work),
        search=Search(unit_of_work, index, worker, clock, names),
        suggestions=Suggestions(unit_of_work),
        usage=UsageReports(unit_of_work, clock),
        boards=boards,
        own_usage=OwnUsage(unit_of_work, rollups),
        money=money,
        sheets=Sheets(unit_of_work, boards, money, clock),
        repricing=Repricing(unit_of_work, base.jobs, rollups, clock),
        answer_lines=AnswerLines(unit_of_work, rollups),
    )
    base.run_jobs_of(services.index_maintenance, services.backups, services.retention, services.repricing, rollups)
    return services
