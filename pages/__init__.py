"""The pages of the portal, in folders like the menus of its navigation. A page is a module whose functions Home.py calls after it
has identified the user.

In reading order:

- shell: frame, navigation, theme and translations of every page
- widgets: the parts that pages are made of
- markdown: make untrusted Markdown safe to draw
- chat: the chat, search, shared chats
- tools: documents, prompts, tasks, images
- review: cases, review progress, the Arena and its leaderboard, experiments, datasets
- usage: boards, reports and alerts
- models: serving, get a model, compare, presets, platforms
- system: people, access, audit, logs, storage, jobs, plugins
- account: signing in, the account, memories, own feedback
"""
