"""Measurements of pages, over a websocket or in a real browser.

In reading order:

- page_rerun: how long a rerun of the chat page takes
- open_pages: what open pages cost the engine
- streaming_pages: how fast the chat page is while many people stream
- models_page: the Models page with many files
- browser: response times in a real browser
- chat_pages: long chats, switching between chats, and 100 tokens/s in a real browser
- drawings: whether Chromium draws what the Markdown parser read
"""
