"""The composer at the bottom of the chat.

In reading order:

- composer: the question, its files, model and thinking, and Stop
- tools_menu: which tools the model may use
- reading: show that an attached file is being read or is queued
- undo_bar: undo a deletion
"""
