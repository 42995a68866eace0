"""Parse untrusted Markdown and write it again, so that a page draws only what the parser understood.

All text of models passes through this package before Streamlit reads it.

In reading order:

- reading: parse CommonMark, tables, strikethrough and formulas into tokens
- emphasis: emphasis next to Chinese, Japanese and Korean characters
- formulas: recognize formulas, and decide which are drawn
- text: escape plain text
- addresses: decide which addresses become links
- inline: write the contents of a paragraph, heading or cell
- blocks: write paragraphs, lists, quotes, tables and code
- growing: convert finished and growing texts
"""
