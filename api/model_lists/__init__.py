"""Serve the list of models under /v1.

In reading order:

- openai_list: the models in OpenAI's shape
- anthropic_list: the models in Anthropic's shape, by pages
- model_routes: the routes, which answer in the shape that the client speaks
"""
