"""Ask, wait for the answer, then ask on: the second request names the first and sends no history.

The client takes its address and key from OPENAI_BASE_URL and OPENAI_API_KEY.
"""

from __future__ import annotations

import os

from openai import OpenAI

MODEL = os.environ.get("MODEL", "demo")

client = OpenAI()
first = client.responses.create(
    model=MODEL,
    instructions="Answer in one sentence.",
    input="What is a spool?",
)
print(first.status, first.id)
print(first.output_text)

second = client.responses.create(model=MODEL, input="And what was it before?", previous_response_id=first.id)
print(second.output_text)

for item in client.responses.input_items.list(second.id, order="asc"):
    print("given to the model:", item.type, item.id)
