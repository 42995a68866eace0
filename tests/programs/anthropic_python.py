# docs
import os

from anthropic import Anthropic

client = Anthropic(base_url=os.environ["PORTAL"], api_key=os.environ["PORTAL_KEY"])  # without /v1

with client.messages.stream(
    model=os.environ["PORTAL_MODEL"], max_tokens=300, messages=[{"role": "user", "content": "How do I add a model?"}]
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
# end of docs
assert stream.get_final_message().content
assert os.environ["PORTAL_MODEL"] in [model.id for model in client.models.list()]
