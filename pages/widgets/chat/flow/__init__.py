"""What keeps a conversation flowing.

In reading order:

- another_way: regenerate with another model or setting
- follow_up: the question that waits for the running answer
"""
