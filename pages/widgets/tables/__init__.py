"""Tables in attached files.

In reading order:

- words: how large a table is, and what its columns are, in words
- table_lines: the tables of a question, a line each
- answer_rows: the query of an answer, with its rows
- table_dialog: what files hold, and queries by the person
- profile: the columns of a table
- own_query: a query that a person picks or writes
- rows: the rows of a query
- figure: the chart of a query
"""
