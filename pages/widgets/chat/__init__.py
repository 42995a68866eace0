"""Widgets of the chat.

In reading order:

- location: the open chat and the listed folder, in the URL
- sidebar: search, folders and chats
- conversation_list: the rows of the sidebar
- dialogs: ask before deleting, choose where to move
- undo_bar: undo a deletion
- transcript: questions, answers, and the running answer
- message: print untrusted text
- encoding_titles: readable names of text encodings
- between_answers: feedback, versions and reasoning between answers
- composer: the input at the bottom
- flow: earlier messages, regeneration, answers side by side, queued questions
- reading: show that an attached file is being read or is queued
- temporary_chat: a chat that is never stored
- linked_message: the message that a link names
- follow: scroll, and close the sidebar, in the browser
"""
