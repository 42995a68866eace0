"""The frame of every page: navigation, theme, translations.

In reading order:

- navigation: from the session cookie to a page
- requested_path: what the address names, and what is shown where that is no page for this person
- failed_page: what a person sees when drawing a page fails, with a code for the log
- live_part: fragments, dialogs and callbacks, with the rights of now
- frame: style sheet, page heads and blank states
- away: notes while the admin server cannot be reached
- notice_bell: the bell with unread notices
- browser: skip link, keyboard shortcuts, sidebar on phones, Streamlit's own words in other languages
- theme: compute Streamlit's theme once
- options: read Streamlit's options without its lock
- script_events: hand what a page draws to the event loop in groups
- words: translate every text
"""
