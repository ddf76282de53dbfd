"""How a Python driver runs its scenarios and tells of them: one JSON line each, the version first.

Imports nothing but the standard library: a scratch environment has no pytest.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable
from typing import Any

Scenario = Callable[[Any], Any]


class Absent(Exception):
    """This line of the client does not have the call."""


def need(holder: object, name: str) -> Any:
    if not hasattr(holder, name):
        raise Absent(f"{type(holder).__name__}.{name}")
    return getattr(holder, name)


def same(found: object, wanted: object) -> None:
    assert found == wanted, f"{found!r} is not {wanted!r}"


def tell(version: str, scenarios: Iterable[Scenario], client: Any) -> None:
    print(json.dumps({"version": version}), flush=True)
    for scenario in scenarios:
        outcome, detail = _outcome(scenario, client)
        line = {"scenario": scenario.__name__, "outcome": outcome, "detail": detail}
        print(json.dumps(line), flush=True)


def _outcome(scenario: Scenario, client: Any) -> tuple[str, str]:
    try:
        scenario(client)
    except Absent as missing:
        return "absent", str(missing)
    except Exception:
        return "failed", traceback.format_exc(limit=-6)
    return "ok", ""
