"""Load each kind of file into the database, all values as text except Parquet's. Only the worker imports this.

In reading order:

- loaded: a table in the database that has no types yet
- delimited: CSV, TSV and the like
- dialect: which delimiter and header a text has
- sheets: xlsx, xls and ods workbooks
- parquet: Parquet files
"""
