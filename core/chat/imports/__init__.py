"""Import conversations that were exported from other portals.

In reading order:

- records: the imported conversations, and the parts that were lost
- reading: open an export within limits, and detect its origin
- chatgpt: exports of ChatGPT
- open_webui: exports of Open WebUI
- librechat: exports of LibreChat
- service: import an export as a job
"""
