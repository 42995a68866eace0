"""Measurements: `./portal bench NAME`. Each is one command and prints one table.

In reading order:

- engine: the engine beside llama-server and others
- engine_gpu: the engine on an NVIDIA GPU
- peers: compile llama-server
- peer_tests: llama.cpp's own server tests, run against the portal
- people: people who chat at once over REST
- whole_path: how much of a GPU's speed people get over REST
- open_pages: what open pages cost the engine
- over_http: the portal beside llama-server, both over HTTP
- page_rerun: how long a rerun of the chat page takes
- browser: response times in a real browser
- chat_pages: long chats, switching between chats, and 100 tokens/s in a real browser
- drawings: whether Chromium draws what the Markdown parser read
- images: how long images take, new and cached
- image_batches: a batch of images through kill -9
- servers: what user servers cost, and what people keep when servers die
- start: how long a start takes, and memory
- sessions: memory with people signed in
- router: what routing costs, and 1,000 questions while a server dies
- peer_platforms: llama-server, the portal and LiteLLM's proxy through the router
- models_page: the Models page with many files
- lists: lists, long chats and search over REST
- plan: predicted against measured memory of loads
- swap: a hot swap under running chats
- store: kills, outages, indexing, search and backups
- contract: whether every response is one that OpenAPI describes
- soak: whether memory grows under a mixed load
- sign_in_times: whether sign-ins take as long for existing names as for others
- engine_parts: what the measurements of the engine share
- portal_parts: what the measurements of a whole portal share
"""
