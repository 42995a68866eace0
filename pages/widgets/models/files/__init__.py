"""Model files on the server.

In reading order:

- file_address: the URL of a file's page
- files_card: the files in the models folder
- by_path: add a file by its path
- file_report: the page of a model file
- quantize: make a smaller file of a model
"""
