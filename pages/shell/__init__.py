"""The frame of every page: navigation, theme, translations.

In reading order:

- navigation: from the session cookie to a page
- frame: style sheet, heads and blank states
- away: while the admin server is away
- notice_bell: the bell with unread notices
- browser: skip link, keyboard shortcuts, phone sidebar
- theme: compute Streamlit's theme once
- words: translate every text
"""
