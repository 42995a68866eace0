"""The headers of GGUF files, read and checked.

In reading order:

- header: read a header strictly
- header_numbers: check the numbers of a header
- tensor_tables: the tensors that each architecture takes
- tensor_check: compare a file with those tables
"""
