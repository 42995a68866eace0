# docs
import os

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(
    model=os.environ["PORTAL_MODEL"],
    api_base=os.environ["PORTAL"] + "/v1",
    api_key=os.environ["PORTAL_KEY"],
    is_chat_model=True,
    context_window=4096,
)
text = "".join(part.delta or "" for part in llm.stream_chat([ChatMessage(role="user", content="How do I add a model?")]))
# end of docs
assert text
