"""Let the model query the tables of a chat with SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import PortalError, StoredError
from core.knowledge.records import StoredFile
from core.knowledge.tables.described import described
from core.knowledge.tables.queries import TableQueries
from core.knowledge.tables.result_text import written
from core.people.records import User
from core.plugins.offered_tool import OfferedTool, ToolFailed
from core.plugins.records import Tool, ToolContext

QUERY_TABLES = "query_tables"
MAX_FILES_QUERIED = 10
_PARAMETERS = {
    "type": "object",
    "properties": {
        "sql": {"type": "string", "description": "One SELECT statement in DuckDB's SQL, with names of tables and columns in double quotes."}
    },
    "required": ["sql"],
    "additionalProperties": False,
}  # fmt: skip
_DESCRIPTION = (
    "Query the attached tables with SQL. Call it for every figure about these tables, also for a count: never calculate yourself, and "
    "never guess. If a query fails, correct it once by what the error says. Answer only from the rows it returns.\n"
)


class _OneText:
    """Checks the arguments of the tool."""

    def unusable(self, schema: object) -> str:
        return ""

    def problems(self, value: object, schema: Mapping[str, Any]) -> Sequence[str]:
        fits = isinstance(value, dict) and list(value) == ["sql"] and isinstance(value["sql"], str)
        return [] if fits else ["sql must be the only field, and a string"]


def table_tool(queries: TableQueries, user: User, files: Sequence[StoredFile]) -> OfferedTool | None:
    """Return the tool for the newest files with tables; None if there are none."""
    with_tables = list({file.id: file for file in files if file.tables}.values())[-MAX_FILES_QUERIED:]
    if not with_tables:
        return None

    def run(arguments: Mapping[str, Any], _context: ToolContext) -> str:
        try:
            return written(queries.run(user, [file.id for file in with_tables], arguments["sql"]))
        except PortalError as problem:
            raise ToolFailed(StoredError.of(problem)) from problem

    tool = Tool(
        name=QUERY_TABLES, title="Query", description=_DESCRIPTION + described(with_tables), run=run, parameters=_PARAMETERS, changes=False
    )  # fmt: skip
    return OfferedTool(plugin="", tool=tool, run=run, schemas=_OneText())
