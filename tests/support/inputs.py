"""Tools, questions and files that the scripted upstream has an answer to.

Imports nothing but the standard library: drivers of clients run where there is nothing else.
"""

from __future__ import annotations

from typing import Any

WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
    "strict": True,
}
TIME: dict[str, Any] = {**WEATHER, "name": "get_time", "description": "Tells the time in a city"}
QUESTION = "What is the weather like in New York?"
BOTH = "Call get_weather and get_time for Oslo"
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK"
