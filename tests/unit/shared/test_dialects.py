"""What every dialect that translates refuses alike."""

from __future__ import annotations

from typing import Any

import pytest

from shared.catalog.dialects.chat_completions import CHAT_COMPLETIONS
from shared.catalog.dialects.expression import Dialect
from shared.catalog.dialects.messages import MESSAGES
from shared.errors import InvalidRequest


@pytest.mark.parametrize("dialect", [CHAT_COMPLETIONS, MESSAGES], ids=["chat_completions", "messages"])
@pytest.mark.parametrize(
    ("item", "key"),
    [
        ({"type": "custom_tool_call_output", "call_id": "c", "output": 5}, "output"),
        ({"type": "custom_tool_call_output", "call_id": "c", "output": ["x"]}, "output"),
        ({"type": "custom_tool_call_output", "call_id": "c", "output": [{"type": "refusal"}]}, "output"),
        ({"type": "reasoning", "summary": [], "content": [None]}, "content"),
    ],
)
def test_item_when_it_has_a_shape_that_nobody_can_read_then_refused(
    dialect: Dialect, item: dict[str, Any], key: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        dialect.check({"input": [item]})

    assert (caught.value.param, caught.value.code) == (f"input[0].{key}", "invalid_type")
