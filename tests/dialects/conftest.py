"""Every dialect, streamed by its upstream and whole, asked in every mode."""

from __future__ import annotations

import pytest
from openai import OpenAI

from tests.dialects.asking import MODES, Target
from tests.support.stack import Stack

# where a request goes: an account, and a model; one of these is asked for whole answers
STREAMING = ("main/plain", "chat/plain", "messages/plain")
WHOLE = ("responses-plain/plain", "chat-plain/plain", "messages-plain/plain")
BROKEN = tuple(f"broken-{model}" for model in ("responses/plain", "chat/plain", "messages/plain", *WHOLE))
NEWER = "messages/claude-opus-5"  # is asked otherwise: an effort for a budget, a schema for a tool
ASKED = (
    *((model, mode) for model in STREAMING for mode in MODES),
    *((model, mode) for model in WHOLE for mode in ("streamed", "background")),
    (NEWER, "streamed"),
)


@pytest.fixture(scope="session")
def client(stack: Stack) -> OpenAI:
    """One for all: making it costs more than most answers."""
    return stack.client()


@pytest.fixture(params=[*STREAMING, *WHOLE])
def target(stack: Stack, client: OpenAI, request: pytest.FixtureRequest) -> Target:
    return Target(stack, client, request.param)


@pytest.fixture(params=STREAMING)
def streaming(stack: Stack, client: OpenAI, request: pytest.FixtureRequest) -> Target:
    """Only those whose upstream streams."""
    return Target(stack, client, request.param)


@pytest.fixture(params=["chat/plain", "chat-plain/plain"])
def chat(stack: Stack, client: OpenAI, request: pytest.FixtureRequest) -> Target:
    return Target(stack, client, request.param)


@pytest.fixture(params=["messages/plain", "messages-plain/plain"])
def messages(stack: Stack, client: OpenAI, request: pytest.FixtureRequest) -> Target:
    return Target(stack, client, request.param)
