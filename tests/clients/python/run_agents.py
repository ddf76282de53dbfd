"""Drives an agent framework, OpenAI's Agents SDK, with nothing configured but where the API is.

Its own traces would go to the official service, so they are off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from importlib.metadata import version
from typing import Any

from agents import (
    Agent,
    ModelSettings,
    OpenAIConversationsSession,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai.types.shared import Reasoning
from pydantic import BaseModel

from tests.clients.python.report import Scenario, same, tell

PATIENCE_SECONDS = 30
QUESTION = "What is the weather like in Oslo?"


class Trip(BaseModel):
    city: str
    days: int


@function_tool
def get_weather(location: str) -> str:
    """Tells the weather of a city."""
    return f"four degrees in {location}"


def tool_call(loop: asyncio.Runner) -> None:
    agent = Agent(name="weather", model="plain", instructions="Be brief.", tools=[get_weather])
    result = _within(loop, Runner.run(agent, QUESTION))
    assert "four degrees in Oslo" in result.final_output
    same(len(result.raw_responses), 2)


def tool_call_streamed(loop: asyncio.Runner) -> None:
    agent = Agent(name="weather", model="plain", tools=[get_weather])

    async def call() -> tuple[list[str], str]:
        result = Runner.run_streamed(agent, QUESTION)
        kinds = [
            event.data.type async for event in result.stream_events() if event.type == "raw_response_event"
        ]
        return kinds, str(result.final_output)

    kinds, said = _within(loop, call())
    assert "four degrees in Oslo" in said
    same(kinds.count("response.completed"), 2)
    assert "response.function_call_arguments.delta" in kinds and "response.output_text.delta" in kinds


def structured_output(loop: asyncio.Runner) -> None:
    agent = Agent(name="planner", model="plain", output_type=Trip)
    assert isinstance(_within(loop, Runner.run(agent, "Plan a trip")).final_output, Trip)


def handoff(loop: asyncio.Runner) -> None:
    other = Agent(name="harbour", model="plain", handoff_description="Knows harbours")
    first = Agent(name="front", model="plain", handoffs=[other])
    result = _within(loop, Runner.run(first, "Please transfer_to_harbour"))
    same(result.last_agent.name, "harbour")


def conversation_session(loop: asyncio.Runner) -> None:
    agent = Agent(name="cat", model="plain")

    async def call() -> Any:
        session = OpenAIConversationsSession()
        await Runner.run(agent, "my cat is called Ada", session=session)
        return await Runner.run(agent, "echo request", session=session)

    assert "my cat is called Ada" in _within(loop, call()).final_output


def previous_response(loop: asyncio.Runner) -> None:
    agent = Agent(name="cat", model="plain")

    async def call() -> Any:
        first = await Runner.run(agent, "my cat is called Ada")
        return await Runner.run(agent, "echo request", previous_response_id=first.last_response_id)

    assert "my cat is called Ada" in _within(loop, call()).final_output


def reasoning(loop: asyncio.Runner) -> None:
    settings = ModelSettings(
        reasoning=Reasoning(effort="low", summary="auto"),
        store=False,
        response_include=["reasoning.encrypted_content"],
    )
    agent = Agent(name="weather", model="plain", tools=[get_weather], model_settings=settings)
    result = _within(loop, Runner.run(agent, QUESTION))
    assert "four degrees in Oslo" in result.final_output


def _within(loop: asyncio.Runner, call: Coroutine[Any, Any, Any]) -> Any:
    return loop.run(asyncio.wait_for(call, PATIENCE_SECONDS))


SCENARIOS: tuple[Scenario, ...] = (
    *(tool_call, tool_call_streamed, structured_output, handoff, conversation_session),
    *(previous_response, reasoning),
)

if __name__ == "__main__":
    set_tracing_disabled(True)
    # one loop for all: the framework's connections belong to the first
    with asyncio.Runner() as loop:
        tell(version("openai-agents"), SCENARIOS, loop)
