"""Content parts as blocks of Anthropic's Messages."""

from __future__ import annotations

from typing import Any

import pytest

from workers.providers.anthropic.history import Conversation

Item = dict[str, Any]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "input_image", "image_url": "https://x/a.png", "detail": "auto"},
            {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}},
        ),
        (
            {"type": "input_image", "image_url": "data:image/png;base64,aGk"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        ),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
            {
                "type": "document",
                "title": "a.pdf",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
            },
        ),
        (
            {"type": "input_file", "filename": "a.md", "file_data": "aGk="},
            {
                "type": "document",
                "title": "a.md",
                "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
            },
        ),
        (
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}},
        ),
        ({"type": "refusal", "refusal": "no"}, {"type": "text", "text": "no"}),
        (
            {"type": "input_image", "file_id": "file-1"},
            {"type": "text", "text": "[image that cannot be shown here]"},
        ),
        ({"type": "input_audio"}, {"type": "text", "text": "[audio that cannot be shown here]"}),
    ],
)
def test_part_when_sent_then_the_block_for_it_in_messages_and_in_results(part: Item, block: Item) -> None:
    called = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
    answered = {"type": "function_call_output", "call_id": "c", "output": [part, part]}

    made = Conversation(None, [{"role": "user", "content": [part]}, called, answered]).messages

    assert made[0]["content"] == [block]
    assert made[2]["content"][0]["content"] == [block, block]
