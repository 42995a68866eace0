# docs
import os

from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Topic(BaseModel):
    about_models: bool


chat = ChatOpenAI(base_url=os.environ["PORTAL"] + "/v1", api_key=os.environ["PORTAL_KEY"], model=os.environ["PORTAL_MODEL"])
text = "".join(chunk.text for chunk in chat.stream("How do I add a model?"))
topic = chat.with_structured_output(Topic).invoke("How do I add a model?")
# end of docs
assert text and isinstance(topic, Topic)
