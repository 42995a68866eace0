"""From messages to a prompt, and from tokens to text, thoughts and tool calls."""
