"""Conversations, folders and turns.

In reading order:

- records: conversations, folders, messages and turns
- ports: their repositories
- questions: check what may be asked
- turns: start, stop, edit and regenerate turns
- lifecycle: store turns, hold those that run, recover those of dead processes
- context: what the model reads beside the question
- lanes: the separate threads of models that answer side by side
- memory: what models remember about a person from chat to chat
- turn_runner: answer one turn on its own thread
- running_turn: hold a running answer for any number of watchers
- elsewhere: the same for answers that other processes write
- temporary: chats that are never stored
- titling: the titles of conversations
- conversations: list, open, rename and delete conversations
- marks: pin and archive conversations, mark them as read
- follow_ups: a question that waits for the running answer
- imports: take over conversations that other portals exported
- message_images: the images of messages, for a file to keep
- exports: write conversations as Markdown, JSON and HTML
- pending_deletions: delete after some seconds, so that it can be undone
- folders: make, rename and delete folders, and move conversations
"""
