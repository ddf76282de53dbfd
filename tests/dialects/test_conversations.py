"""Conversations with tools through each dialect, with nothing but the model's name changed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.clients.environments import ROOT, Line, Unavailable, command
from tests.clients.lines import LINES
from tests.dialects.asking import Target, Told
from tests.dialects.conftest import ASKED, NEWER, STREAMING
from tests.support.inputs import BOTH, QUESTION, TIME, WEATHER
from tests.support.stack import Stack

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")

AGENTS_ON = (*STREAMING, NEWER)
RUN_SECONDS = 100
SEALED = "reasoning.encrypted_content"
TOOLS = [WEATHER, TIME]
REASONING = {"effort": "low", "summary": "auto"}


@pytest.mark.parametrize(("target", "mode"), ASKED, indirect=["target"])
def test_chain_when_it_has_five_turns_then_each_builds_on_the_last(target: Target, mode: str) -> None:
    def after(turn: Told, given: Any) -> Told:
        return target.ask(mode, input=given, previous_response_id=turn.response["id"], tools=TOOLS)

    greeted = target.ask(mode, instructions="Be brief.", tools=TOOLS)
    called = after(greeted, QUESTION)
    answered = after(called, called.results("four degrees"))
    called_both = after(answered, BOTH)
    ended = after(called_both, called_both.results("noon"))

    assert [len(turn.calls) for turn in (greeted, called, answered, called_both, ended)] == [0, 1, 0, 2, 0]
    assert "four degrees" in answered.text
    assert "noon" in ended.text


@pytest.mark.parametrize("mode", ["streamed", "blocking"])
def test_conversation_when_the_client_keeps_it_then_it_goes_on(target: Target, mode: str) -> None:
    wish: Any = {"model": target.named(), "tools": TOOLS, "store": False}
    wish |= {"reasoning": REASONING, "include": [SEALED]}
    turns: list[Any] = [{"role": "user", "content": BOTH}]

    first = _kept(target, mode, turns, wish)
    turns += first.output
    turns += [
        {"type": "function_call_output", "call_id": item.call_id, "output": "four"}
        for item in first.output
        if item.type == "function_call"
    ]
    second = _kept(target, mode, turns, wish)
    turns += [*second.output, {"role": "user", "content": "And once more?"}]
    third = _kept(target, mode, turns, wish)

    assert "four" in second.output_text
    assert "And once more?" in third.output_text
    assert [item.type for item in first.output] == ["reasoning", "function_call", "function_call"]


def _kept(target: Target, mode: str, turns: list[Any], wish: Any) -> Any:
    if mode == "blocking":
        return target.client.responses.create(input=turns, **wish)
    with target.client.responses.stream(input=turns, **wish) as stream:
        return stream.get_final_response()


@pytest.fixture(scope="module")
def agents(stack: Stack) -> Callable[[str, str], str]:
    """What the framework said of a scenario on a model; all are run at once, when first asked for."""
    line = Line("agents", "tests.dialects.agents_driver", LINES["agents"][0].requirements)
    told: dict[tuple[str, str], str] = {}

    def ask(model: str, scenario: str) -> str:
        if not told:
            try:
                driver = command(line)
            except Unavailable as error:
                pytest.skip(f"agents: {error}")
            for said in _driven(driver, stack):
                told[said["model"], said["scenario"]] = said["detail"]
        return told[model, scenario]

    return ask


def _driven(driver: list[str], stack: Stack) -> list[Any]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "RESPOOL_"))}
    ours = {"OPENAI_BASE_URL": stack.base_url, "OPENAI_API_KEY": stack.api_key, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [*driver, *AGENTS_ON],
        cwd=ROOT,
        env={**kept, **ours, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert done.returncode == 0, f"the driver broke off:\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("model", AGENTS_ON)
@pytest.mark.parametrize("scenario", ["whole", "streamed", "background", "reasoning"])
def test_agents_when_they_call_tools_then_they_end_with_an_answer(
    agents: Callable[[str, str], str], model: str, scenario: str
) -> None:
    assert agents(model, scenario) == "ok"


def test_threads_when_every_dialect_answers_at_once_then_each_its_own(stack: Stack, target: Target) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda n: target.ask("streamed", input=f"number {n}"), range(4)))

    assert [f"number {n}." in turn.text for n, turn in enumerate(told)] == [True] * 4
