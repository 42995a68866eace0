"""Read and check the headers of GGUF files.

In reading order:

- cursor: read the parts of a header, within bounds
- header: read a header strictly
- header_numbers: check the numbers of a header
- tensor_tables: the tensors of each architecture
- tensor_check: compare a file with those tables
"""
