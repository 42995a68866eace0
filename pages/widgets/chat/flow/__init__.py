"""What keeps a conversation flowing.

In reading order:

- earlier: earlier messages on demand
- another_way: regenerate with another model or setting
- lane_choice: choose models that answer side by side
- side_by_side: their answers, and the vote
- answer_tools: sort and save tables, name the language of code
- diagrams: draw blocks of Mermaid
- follow_up: the question that waits for the running answer
"""
