"""Serve REST for conversations, messages and turns.

In reading order:

- message_shapes: conversations and messages as JSON
- conversations: conversations, messages and turns
- turn_stream: the events of one turn
- tools: the tools that chats offer to models
- folders: folders
- context: the context that the model reads
- instructions: instructions that apply to chats
- memories: what models remember about a person
- follow_ups: the question that waits for a running answer
- side_by_side: several models answer one question
- imports: conversations exported from other portals
- shares: read-only links to snapshots
"""
