"""Conversations, folders and turns.

In reading order:

- records: conversations, folders, messages and turns
- ports: their repositories
- questions: check a question before it is asked
- turns: start, stop, edit and regenerate turns
- lifecycle: store turns, keep track of running ones, and recover those of dead processes
- context: what the model reads besides the question
- tools: functions of plugins that the model calls while it answers
- lanes: the separate histories of models that answer side by side
- memory: what models remember about a person from chat to chat
- turn_runner: run one turn on its own thread
- running_turn: hold a running answer for any number of watchers
- elsewhere: the same for answers that other processes write
- temporary: chats that are never stored
- titling: the titles of conversations
- conversations: list, open, rename and delete conversations
- flags: pin and archive conversations, mark them as read
- follow_ups: a question that waits for the running answer
- imports: import conversations exported from other portals
- exports: write conversations with their images as Markdown, JSON and HTML
- pending_deletions: delete after a few seconds, so that the deletion can be undone
- folders: create, rename and delete folders
"""
