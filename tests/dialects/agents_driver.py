"""Drives OpenAI's Agents SDK through a conversation with tools, once with each model of its arguments.

Imports nothing but the framework and the standard library. It prints one JSON line a model and scenario.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable, Callable

from agents import Agent, ModelSettings, Runner, function_tool, set_tracing_disabled
from openai.types.shared import Reasoning

PATIENCE_SECONDS = 60
QUESTION = "Call get_weather and get_time for Oslo"


@function_tool
def get_weather(location: str) -> str:
    """Tells the weather of a city."""
    return f"four degrees in {location}"


@function_tool
def get_time(location: str) -> str:
    """Tells the time of a city."""
    return f"noon in {location}"


def _agent(model: str, **settings: object) -> Agent:
    made = ModelSettings(**settings)  # type: ignore[arg-type]
    # the framework takes what stands before the first slash: whose client it is to use
    named = f"openai/{model}"
    return Agent(
        name="guide",
        model=named,
        instructions="Be brief.",
        tools=[get_weather, get_time],
        model_settings=made,
    )


async def whole(model: str) -> None:
    result = await Runner.run(_agent(model), QUESTION)
    assert "noon in Oslo" in result.final_output, result.final_output
    again = await Runner.run(_agent(model), [*result.to_input_list(), {"role": "user", "content": "Thanks"}])
    assert "Thanks" in again.final_output, again.final_output


async def streamed(model: str) -> None:
    result = Runner.run_streamed(_agent(model), QUESTION)
    kinds = [event.data.type async for event in result.stream_events() if event.type == "raw_response_event"]
    assert "noon in Oslo" in str(result.final_output), result.final_output
    assert kinds.count("response.completed") == 2, kinds


async def background(model: str) -> None:
    agent = _agent(model, extra_body={"background": True}, store=True)
    result = Runner.run_streamed(agent, QUESTION)
    kinds = [event.data.type async for event in result.stream_events() if event.type == "raw_response_event"]
    assert "noon in Oslo" in str(result.final_output), result.final_output
    assert kinds.count("response.queued") == 2, kinds


async def reasoning(model: str) -> None:
    agent = _agent(model, reasoning=Reasoning(effort="low"), store=True)
    first = await Runner.run(agent, QUESTION)
    second = await Runner.run(agent, "And once more?", previous_response_id=first.last_response_id)
    assert "And once more?" in second.final_output, second.final_output


async def _outcome(scenario: Callable[[str], Awaitable[None]], model: str) -> str:
    try:
        await asyncio.wait_for(scenario(model), PATIENCE_SECONDS)
    except Exception:
        return traceback.format_exc(limit=-4)
    return "ok"


async def main() -> None:
    set_tracing_disabled(True)
    for model in sys.argv[1:]:
        for scenario in (whole, streamed, background, reasoning):
            detail = await _outcome(scenario, model)
            print(json.dumps({"model": model, "scenario": scenario.__name__, "detail": detail}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
