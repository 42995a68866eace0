"""Take over conversations that were exported from other portals.

In reading order:

- records: what is read of an export, and what could not be
- reading: open an export within bounds, and find out whose it is
- chatgpt: exports of ChatGPT
- open_webui: exports of Open WebUI
- librechat: exports of LibreChat
- service: import an export as a job
"""
