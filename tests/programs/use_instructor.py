# docs
import os

import instructor
from openai import OpenAI
from pydantic import BaseModel


class Topic(BaseModel):
    about_models: bool


client = instructor.from_openai(OpenAI(base_url=os.environ["PORTAL"] + "/v1", api_key=os.environ["PORTAL_KEY"]))
topic = client.chat.completions.create(
    model=os.environ["PORTAL_MODEL"], response_model=Topic, messages=[{"role": "user", "content": "How do I add a model?"}]
)
# end of docs
assert isinstance(topic, Topic)
