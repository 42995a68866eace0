"""Read and query tables in files: CSV, workbooks and Parquet.

In reading order:

- reader: read or query in a separate process
- worker: the program of that process
- database: an in-memory database that reaches nothing outside
- kinds: recognize files with tables
- loading: load a file into the database
- formats: the same for each kind of file
- names: name tables and columns
- column_types: decide the types of columns
- describing: describe tables for people and models
- query: run one SELECT
- limits: how much is read
- refusal: why a file or query is refused
"""
