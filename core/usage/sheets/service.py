"""Read the sheet of a board."""

from __future__ import annotations

from core.clock import Clock
from core.errors import NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.boards.service import Boards
from core.usage.money.service import Money
from core.usage.records import UsageQuery
from core.usage.sheets.of_boards import adoption_sheet, capacity_sheet, money_sheet, overview_sheet, quality_sheet, speed_sheet
from core.usage.sheets.records import Board, Sheet, Table


class Sheets:
    """Reads boards as plain tables, for people who may see usage."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, boards: Boards, money: Money, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._boards = boards
        self._money = money

    def read(self, user: User, board: str, query: UsageQuery) -> Sheet:
        """Return the sheet of a board. Raises NotFound."""
        match board:
            case Board.OVERVIEW:
                return overview_sheet(self._boards.overview(user, query))
            case Board.ADOPTION:
                return adoption_sheet(self._boards.adoption(user, query))
            case Board.QUALITY:
                return quality_sheet(self._boards.quality(user, query))
            case Board.SPEED:
                return speed_sheet(self._boards.speed(user, query))
            case Board.CAPACITY:
                return capacity_sheet(self._boards.capacity(user, query))
            case Board.MONEY:
                return money_sheet(self._money.board(user, query))
        raise NotFound("There is no board {name}. Choose from: {known}.", name=board[:40], known=", ".join(Board))

    def export(self, user: User, board: str, table: str, query: UsageQuery) -> Table:
        """Return a table of a board for a file, and record the export in the audit log. Raises NotAllowed, NotFound."""
        require(user, Permission.EXPORT)
        found = self.read(user, board, query).table(table)
        details = {"rows": str(len(found.rows)), "first": query.first.isoformat(), "last": query.last.isoformat()}
        with self._unit_of_work() as work:
            record(work, self._clock(), user.id, "usage.export", f"{board}.{table}", **details)
            work.commit()
        return found
