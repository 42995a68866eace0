"""Tables in attached files: what they hold, and queries about them.

In reading order:

- records: tables, their columns, and the rows that a query returns
- stored: tables as JSON, as they are stored with their file
- ports: the reader of tables
- queries: query the tables of own files
- ready: queries that a person picks
- described: tables as a model reads them that writes SQL
- result_text: the rows of a query as text
- csv_rows: the rows of a query as CSV
- figures: the numbers of an answer that no cell holds
- charts: which chart suits the rows of a query
"""
