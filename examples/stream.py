"""Print an answer while it is being written.

The client takes its address and key from OPENAI_BASE_URL and OPENAI_API_KEY.
"""

from __future__ import annotations

import os

from openai import OpenAI

client = OpenAI()
stream = client.responses.create(
    model=os.environ.get("MODEL", "demo"),
    input="Tell me about the sea.",
    stream=True,
)
for event in stream:
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)
    elif event.type in ("response.completed", "response.incomplete", "response.failed"):
        print(f"\n{event.response.status}, {event.sequence_number + 1} events")
