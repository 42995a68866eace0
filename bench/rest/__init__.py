"""Measurements of the portal over REST.

In reading order:

- people: people who chat at once over REST
- whole_path: how much of a GPU's speed people get over REST
- stream_cost: what a piece of a streamed answer costs the event loop
- over_http: the portal beside llama-server, both over HTTP
- dialects: the first token in each dialect beside chat completions
- lists: lists, long chats and search over REST
- contract: whether every response is one that OpenAPI describes
- overload: how ten times too many requests are refused
- sign_in_times: whether sign-ins take as long for existing names as for others
"""
