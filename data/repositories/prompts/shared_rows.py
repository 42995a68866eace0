"""Select rows that people share with their group or with everyone, and follow the changes of groups."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, or_, select, update

from core.prompts.records import Share
from data.tables import Table
from data.transaction import AnySelect, Transaction


def visible_rows(table: type[Table]) -> AnySelect:
    """Return what selects the rows that :user in :group sees, the one changed last first. Nothing is shared with a group that is None."""
    columns = table.__table__.c
    with_group = and_(columns.share == Share.GROUP.value, columns.group_name == bindparam("group"))
    visible = or_(columns.user_id == bindparam("user"), columns.share == Share.EVERYONE.value, with_group)
    return select(table.__table__).where(visible).order_by(columns.updated_at.desc(), columns.id)


def rename_group(sql: Transaction, table: type[Table], old: str, new: str) -> None:
    """Assign what a group sees to its new name."""
    sql.write(update(table).where(table.__table__.c.group_name == old).values(group_name=new))


def withdraw_from(sql: Transaction, table: type[Table], group: str, **more: object) -> None:
    """Stop sharing with a group. more: what else changes in these rows."""
    columns = table.__table__.c
    shared = and_(columns.share == Share.GROUP.value, columns.group_name == group)
    sql.write(update(table).where(shared).values(share=Share.OWN.value, group_name="", **more))
