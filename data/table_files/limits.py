"""Limits of tables, which their reader enforces and the refusals name."""

MAX_ROWS = 5_000_000
MAX_COLUMNS = 200
MAX_TABLES = 20
"""Most sheets of a workbook that are read."""
MAX_NAME_LENGTH = 60
"""Characters of a column's or table's name."""
MAX_CELL_LENGTH = 2_000
"""Characters of a cell that a query returns."""
MAX_RESULT_BYTES = 5_000_000
MAX_TEXT_LENGTH = 60_000
"""Characters of rows that models read as text."""
