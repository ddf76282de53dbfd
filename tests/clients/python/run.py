"""Drives the official Python SDK, whichever line this environment has, through every scenario."""

from __future__ import annotations

import openai

from tests.clients.python import failures, generation, state
from tests.clients.python.report import tell

SCENARIOS = (*generation.SCENARIOS, *state.SCENARIOS, *failures.SCENARIOS)

if __name__ == "__main__":
    # everything else as the SDK has it; retries are asked for where they are looked at
    with openai.OpenAI(max_retries=0) as client:
        tell(openai.__version__, SCENARIOS, client)
