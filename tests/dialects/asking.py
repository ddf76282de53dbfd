"""One request in each mode, by the official SDK, judged on the Responses side by the same validators."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from openai import OpenAI

from tests.support.contract import Json, check_response
from tests.support.event_order import check_story
from tests.support.stack import Stack
from tests.support.wire import follow

MODES = ("streamed", "blocking", "background")


@dataclass(frozen=True)
class Told:
    """A response that has ended, and the whole story of it."""

    response: Json
    events: list[Json]

    @property
    def status(self) -> str:
        return str(self.response["status"])

    @property
    def kinds(self) -> list[str]:
        return [item["type"] for item in self.response["output"]]

    @property
    def parts(self) -> list[Json]:
        return [p for item in self.response["output"] if item["type"] == "message" for p in item["content"]]

    @property
    def text(self) -> str:
        return "".join(part.get("text", "") for part in self.parts)

    @property
    def calls(self) -> list[tuple[str, Any]]:
        return [(item["name"], json.loads(item["arguments"])) for item in self.call_items]

    @property
    def call_items(self) -> list[Json]:
        return [item for item in self.response["output"] if item["type"] == "function_call"]

    def results(self, output: str) -> list[Json]:
        """The same output for every call."""
        return [
            {"type": "function_call_output", "call_id": item["call_id"], "output": output}
            for item in self.call_items
        ]


@dataclass(frozen=True)
class Target:
    stack: Stack
    client: OpenAI
    model: str  # account and model

    @property
    def dialect(self) -> str:
        account = self.model.partition("/")[0].removeprefix("broken-").removesuffix("-plain")
        return "responses" if account == "main" else account

    @property
    def whole(self) -> bool:
        """The upstream is asked for whole answers."""
        return self.model.partition("/")[0].endswith("-plain")

    def named(self, suffix: str = "") -> str:
        return self.model + (f"!{suffix}" if suffix else "")

    def ask(self, mode: str, suffix: str = "", **body: Any) -> Told:
        """`suffix`: faults and quirks. The body must be one that is accepted."""
        wanted = {"model": self.named(suffix), "input": "hello", **body}
        final = _BY_MODE[mode](self.client.responses, wanted)
        told = self.told(final.id, background=mode == "background")
        assert (final.status, final.output_text) == (told.status, told.text), "the SDK reads something else"
        return told

    def told(self, response_id: str, *, background: bool) -> Told:
        """Of a stored response: its story once more, to its end."""
        events = follow(self.stack, response_id)
        response = check_story(events, background=background)
        stored = check_response(self.stack.request("GET", f"/responses/{response_id}").json())
        assert stored == response, "what is stored is not what was streamed"
        return Told(response, events)

    def begin(self, suffix: str = "", **body: Any) -> str:
        """In the background; its id."""
        wanted = {"model": self.named(suffix), "input": "hello", "background": True, **body}
        response_id: str = self.client.responses.create(**wanted).id
        return response_id


def _streamed(responses: Any, body: Json) -> Any:
    events = list(responses.create(**body, stream=True))
    return events[-1].response


def _blocking(responses: Any, body: Json) -> Any:
    return responses.create(**body)


def _background(responses: Any, body: Json) -> Any:
    response_id = responses.create(**body, background=True).id
    events = list(responses.retrieve(response_id, stream=True))
    ended = responses.retrieve(response_id)
    assert events[-1].response.output_text == ended.output_text
    return ended


_BY_MODE = {"streamed": _streamed, "blocking": _blocking, "background": _background}
