# docs
import os

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Topic(BaseModel):
    about_models: bool


provider = OpenAIProvider(base_url=os.environ["PORTAL"] + "/v1", api_key=os.environ["PORTAL_KEY"])
agent = Agent(OpenAIChatModel(os.environ["PORTAL_MODEL"], provider=provider), output_type=Topic)
topic = agent.run_sync("How do I add a model?").output
# end of docs
assert isinstance(topic, Topic)
