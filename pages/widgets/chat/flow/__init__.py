"""Widgets for the flow of a conversation.

In reading order:

- earlier: earlier messages on demand
- find_in_chat: search in the open chat, and walk through the hits
- regenerate_menu: regenerate with another model or setting
- lane_choice: choose models that answer side by side
- side_by_side: answers side by side, and the vote
- answer_tools: sort and save tables, name the language of code
- diagrams: draw Mermaid blocks
- follow_up: the question that waits for the running answer
"""
