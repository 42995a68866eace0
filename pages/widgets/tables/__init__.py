"""Tables in attached files.

In reading order:

- words: how large a table is, and what its columns are, in words
- table_lines: the tables of a question, a line each
- table_dialog: what one file holds
- profile: the columns of a table
"""
