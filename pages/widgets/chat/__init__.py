"""Widgets of the chat.

In reading order:

- location: which chat and folder the URL names
- sidebar: search, folders and chats
- conversation_list: the rows of the sidebar
- dialogs: ask before deleting, choose where to move
- undo_bar: undo a deletion
- transcript: questions, answers, and the running answer
- message: print text of strangers
- encoding_titles: names of text encodings for people
- between_answers: feedback, versions and reasoning between answers
- composer: the input at the foot
- flow: regenerate in another way, queue a question
- reading: show that an attached file is read, or waits for it
- temporary_chat: a chat that is never stored
- linked_message: mark the message that a link names
- follow: scroll and close the sidebar in the browser
"""
