"""Widgets of the chat.

In reading order:

- location: the open chat and the listed folder, in the URL
- linked_message: the message that a link names
- message: print untrusted text
- problem: the error above the composer
- actions: carry out what the user asked for
- sidebar: search, folders and chats on the left
- answers: the transcript: questions, finished answers and the running answer
- empty_chat: a greeting, and questions to start with
- composer: the input at the bottom, with its files
- flow: earlier messages, regeneration, answers side by side, queued questions
- temporary_chat: a chat that is never stored
- follow: scroll, and close the sidebar, in the browser
"""
