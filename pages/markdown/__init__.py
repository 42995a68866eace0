"""Parse Markdown of strangers and write it again, so that a page can draw only what was understood.

Text of models goes through here before Streamlit sees it.

In reading order:

- reading: parse CommonMark, tables, strikethrough and formulas into tokens
- emphasis: emphasis next to Chinese and Japanese letters
- formulas: recognize formulas, and which may be drawn
- text: escape text
- addresses: decide which addresses become links
- inline: write the inside of a paragraph, heading or cell
- blocks: write paragraphs, lists, quotes, tables and code
- growing: read a text again while it grows
"""
