"""Which clients must work unchanged, and one run of each against a stack.

A driver takes nothing but OPENAI_BASE_URL and OPENAI_API_KEY, as any program of a user would, and the
address of the scripted upstream's controls. It prints one JSON line a scenario.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from tests.clients.environments import ROOT, Line
from tests.support.stack import Stack

RUN_SECONDS = 100

_SHARED = (
    *("blocking", "streamed", "stream_helper", "stream_refused_before_it_begins", "failed", "incomplete"),
    *("many_at_once", "left_early", "instructions_and_metadata", "raw_answer", "guides_address"),
    *("tools_by_chain", "tools_streamed", "tools_in_chat_shape", "parse", "parse_streamed"),
    *("image_input", "file_input", "reasoning", "reasoning_streamed"),
    *("background_poll", "resume", "stream_helper_by_id", "cancel", "cancel_while_streaming", "delete"),
    *("chain", "own_output_as_input", "input_items_pages", "included", "conversation", "conversation_turns"),
    *("compact", "input_tokens", "models", "websocket", "websocket_refused"),
    *("unknown_response", "bad_request", "wrong_key", "unknown_model", "unknown_previous_response"),
    *("retry_obeys_retry_after", "retry_succeeds", "no_retry_of_400", "no_retry_of_paid_work"),
)
PYTHON_SCENARIOS = (*_SHARED, "asynchronous")
NODE_SCENARIOS = _SHARED
AGENT_SCENARIOS = (
    *("tool_call", "tool_call_streamed", "structured_output", "handoff", "conversation_session"),
    *("previous_response", "reasoning"),
)

_PYTHON = "tests.clients.python.run"
LINES = {
    line.name: (line, scenarios)
    for line, scenarios in (
        # 1.x has no WebSocket mode; the extra brings what the others connect with
        (Line("python-1", _PYTHON, ("openai>=1,<2",)), PYTHON_SCENARIOS),
        (Line("python-2", _PYTHON, ("openai[realtime]>=2,<3",)), PYTHON_SCENARIOS),
        (Line("python-3", _PYTHON, ("openai[realtime]>=3,<4",)), PYTHON_SCENARIOS),
        # npm chooses the newest release that names this Node; `latest` takes the newest of all
        (Line("node", "run.mjs", ("openai", "ws", "zod")), NODE_SCENARIOS),
        (Line("node-latest", "run.mjs", ("openai@latest", "ws", "zod")), NODE_SCENARIOS),
        (Line("agents", "tests.clients.python.run_agents", ("openai-agents",)), AGENT_SCENARIOS),
    )
}


@dataclass(frozen=True)
class Outcome:
    outcome: str  # ok, failed, absent
    detail: str


@dataclass(frozen=True)
class Run:
    version: str
    outcomes: dict[str, Outcome]


def run(name: str, command: list[str], stack: Stack) -> Run:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "RESPOOL_"))}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={
            **kept,
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
            "OPENAI_BASE_URL": stack.base_url,
            "OPENAI_API_KEY": stack.api_key,
            "UPSTREAM_CONTROL_URL": f"{stack.upstream.url}/_control",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert done.returncode == 0, f"the driver of {name} broke off:\n{done.stderr}"
    version, *rest = [json.loads(text) for text in done.stdout.splitlines()]
    outcomes = {said["scenario"]: Outcome(said["outcome"], said["detail"]) for said in rest}
    return Run(version["version"], outcomes)
