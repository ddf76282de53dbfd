"""Small requests for the tests of this folder."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidRequest
from shared.wire.request import CreateRequest, parse_create


def body(**changes: Any) -> dict[str, Any]:
    return {"model": "demo", "input": "hi", **changes}


def parsed(**changes: Any) -> CreateRequest:
    return parse_create(body(**changes))


def refusal(**changes: Any) -> tuple[str | None, str | None]:
    """The code and the parameter of a refused request."""
    with pytest.raises(InvalidRequest) as refused:
        parsed(**changes)
    assert refused.value.status == 400
    return refused.value.code, refused.value.param
