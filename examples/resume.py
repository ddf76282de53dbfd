"""Lose a stream in the middle and take it up again by id: no event is missing, none comes twice.

The client takes its address and key from OPENAI_BASE_URL and OPENAI_API_KEY.
"""

from __future__ import annotations

import os

from openai import OpenAI

client = OpenAI()
text, response_id, last = "", "", -1

with client.responses.create(
    model=os.environ.get("MODEL", "demo"),
    input="Tell me about the sea.",
    background=True,
    stream=True,
) as stream:
    for event in stream:
        last = event.sequence_number
        if event.type == "response.created":
            response_id = event.response.id
        elif event.type == "response.output_text.delta":
            text += event.delta
            if len(text) > 20:
                break
print(f"read up to event {last}: {text!r}")

with client.responses.retrieve(response_id, stream=True, starting_after=last) as rest:
    for event in rest:
        last += 1
        assert event.sequence_number == last
        if event.type == "response.output_text.delta":
            text += event.delta
print(f"read up to event {last}: {text!r}")

assert text == client.responses.retrieve(response_id).output_text
print("complete")
