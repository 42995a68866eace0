"""Tables in attached files: what they hold, and queries about them.

In reading order:

- records: tables, their columns, and the rows that a query returns
- stored: tables as JSON, as they are stored with their file
- ports: the reader of tables
"""
