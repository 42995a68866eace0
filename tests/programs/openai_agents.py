# docs
import asyncio
import os

from agents import Agent, ModelSettings, OpenAIProvider, RunConfig, Runner, function_tool

provider = OpenAIProvider(base_url=os.environ["PORTAL"] + "/v1", api_key=os.environ["PORTAL_KEY"])
settings = RunConfig(model_provider=provider, tracing_disabled=True)
called = []


@function_tool
def find(sure: bool) -> str:
    """Find something."""
    called.append(sure)
    return "Found."


agent = Agent(name="Helper", model=os.environ["PORTAL_MODEL"], tools=[find], model_settings=ModelSettings(tool_choice="required"))
result = asyncio.run(Runner.run(agent, "How do I add a model?", run_config=settings))
# end of docs
assert called and result.final_output is not None
