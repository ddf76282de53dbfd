"""Start work that needs no open connection, look in on it, cancel what is not wanted, delete it.

The client takes its address and key from OPENAI_BASE_URL and OPENAI_API_KEY.
"""

from __future__ import annotations

import os
import time

from openai import OpenAI

MODEL = os.environ.get("MODEL", "demo")

client = OpenAI()
response = client.responses.create(model=MODEL, input="Write a long report.", background=True)
unwanted = client.responses.create(model=MODEL, input="Write another one.", background=True)
print(response.id, response.status)

print("the other one:", client.responses.cancel(unwanted.id).status)

while response.status in ("queued", "in_progress"):
    time.sleep(0.5)
    response = client.responses.retrieve(response.id)
print(response.status)
print(response.output_text)

client.responses.delete(response.id)
print("deleted")
