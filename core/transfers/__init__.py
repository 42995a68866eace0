"""Bring model files to this server: from hubs, from its own folders, or from a browser.

In reading order:

- remote_models: group the files of a repository into models
- model_folder: verify files and move them into the models folder
- transfer_progress: report the progress and speed of a transfer
- downloads: download models from hubs, as jobs
- imports: copy models from a folder of the server, as jobs
- quantizing: quantize a file, as a job
- uploads: receive files from a browser, piece by piece
"""
