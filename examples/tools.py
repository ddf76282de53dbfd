"""Let the model call a function of yours: run what it asks for, hand back the result.

The client takes its address and key from OPENAI_BASE_URL and OPENAI_API_KEY.
"""

from __future__ import annotations

import json
import os
from typing import Any

from openai import OpenAI

MODEL = os.environ.get("MODEL", "demo")
TOOLS: Any = [
    {
        "type": "function",
        "name": "get_weather",
        "description": "The weather in a city now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    }
]


def get_weather(city: str) -> str:
    return json.dumps({"city": city, "sky": "clear", "celsius": 21})


client = OpenAI()
response = client.responses.create(model=MODEL, input="What is the weather in Paris?", tools=TOOLS)
answers: Any = []
for item in response.output:
    if item.type == "function_call":
        print("the model calls", item.name, item.arguments)
        result = get_weather(**json.loads(item.arguments))
        answers.append({"type": "function_call_output", "call_id": item.call_id, "output": result})

response = client.responses.create(model=MODEL, input=answers, tools=TOOLS, previous_response_id=response.id)
print(response.output_text)
