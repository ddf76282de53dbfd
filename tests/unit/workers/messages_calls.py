"""One generation through the `messages` dialect and the assembler, as a worker makes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.catalog import Deadlines, Provider
from tests.unit.workers.assembler_events import assembler, reading
from workers.assembler import ENCRYPTED_CONTENT, Outcome
from workers.providers import Call, Generation, HttpClient
from workers.providers.messages import Messages

PATIENT = Deadlines(connect=5, first_byte=20, progress=20, total=60)
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


def account(url: str, **changes: Any) -> Provider:
    told = {"name": "main", "dialect": "messages", "base_url": f"{url}/v1", "api_key": "upstream-key"}
    return Provider.model_validate(told | changes)


def generation(model: str, items: Any = "hi", **body: Any) -> Generation:
    return Generation("resp_m", 1, model, {"model": model, **body}, items)


def patience() -> Call:
    return Call(PATIENT, total_seconds=60)


def assembled(events: Iterable[dict[str, Any]]) -> Outcome | None:
    """How it ended; the stream is checked on the way."""
    target = assembler(ENCRYPTED_CONTENT)
    reader = reading(target, events)
    if target.outcome is not None and target.outcome.status == "completed":
        assert reader.finish() == target.outcome.response["output"]
    return target.outcome


def answer(client: HttpClient, url: str, made: Generation, **changes: Any) -> Outcome:
    outcome = assembled(Messages(account(url, **changes), client).stream(made, patience()))
    assert outcome is not None
    return outcome


def texts(outcome: Outcome) -> str:
    messages = [item for item in outcome.items if item["type"] == "message"]
    return "".join(part.get("text", "") for item in messages for part in item["content"])
