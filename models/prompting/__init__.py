"""From messages to a prompt, and from tokens to text, reasoning and tool calls.

In reading order:

- chat_template: render a conversation with the model's template
- template_worker: render one template in a separate process
- marked_text: keep typed markers from becoming control tokens
- call_grammar: a grammar that holds an answer to tool calls
- answer_reader: split an answer while it streams
- reasoning: separate reasoning from text
- tool_calls: find tool calls in an answer
- tagged_call: read one call between its tags
- tool_arguments: read the arguments of a call by the tool's schema
"""
