# docs
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it fetches a list of prices from the internet

import litellm

stream = litellm.completion(
    model="openai/" + os.environ["PORTAL_MODEL"],
    api_base=os.environ["PORTAL"] + "/v1",
    api_key=os.environ["PORTAL_KEY"],
    messages=[{"role": "user", "content": "How do I add a model?"}],
    stream=True,
)
text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
# end of docs
assert text
