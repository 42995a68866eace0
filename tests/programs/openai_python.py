# docs
import os

from openai import OpenAI
from pydantic import BaseModel

client = OpenAI(base_url=os.environ["PORTAL"] + "/v1", api_key=os.environ["PORTAL_KEY"])
model = os.environ["PORTAL_MODEL"]

with client.responses.stream(model=model, input="How do I add a model?") as stream:
    for event in stream:
        if event.type == "response.output_text.delta":
            print(event.delta, end="", flush=True)
    first = stream.get_final_response()

follow_up = client.responses.create(model=model, input="And then?", previous_response_id=first.id)


class Topic(BaseModel):
    about_models: bool


answer = client.chat.completions.parse(
    model=model, messages=[{"role": "user", "content": "How do I add a model?"}], response_format=Topic
)
topic = answer.choices[0].message.parsed
# end of docs
assert follow_up.output_text and isinstance(topic, Topic)
