"""Markdown from strangers, read by a real parser and written anew, so that what was understood is all that a page can draw.

Model text goes through here before Streamlit sees it. Reading order:

- reading: the parser (CommonMark, tables, strikethrough, formulas), as tokens.
- formulas: what counts as a formula, and which formulas may be drawn.
- text: any text written so that Streamlit draws exactly that text.
- addresses: which addresses become links, and how a link is written.
- inline: the inside of a paragraph, heading or cell, written from its tokens.
- blocks: paragraphs, lists, quotes, tables and code, written from theirs.
- growing: a text that is still being written; only its last block is read again.
"""
