"""The frame of every page: navigation, theme, translations.

In reading order:

- navigation: from the session cookie to a page
- frame: style sheet, page heads and blank states
- away: notes while the admin server cannot be reached
- notice_bell: the bell with unread notices
- browser: skip link, keyboard shortcuts, sidebar on phones
- theme: compute Streamlit's theme once
- words: translate every text
"""
