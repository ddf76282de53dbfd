"""Rows that are not responses: an upstream's other endpoints, run by the same task (DESIGN 7.22).

Their result is one object; nothing is streamed, stored or shown by id.
"""

from __future__ import annotations

from typing import Any

from shared.store.rows import COMPACTION, INPUT_TOKENS, Claim
from workers import compaction, counting
from workers.providers import Call, Generation, Provider
from workers.sealed_content import Sealer


def run_endpoint(
    provider: Provider, generation: Generation, call: Call, claim: Claim, sealer: Sealer
) -> dict[str, Any]:
    """The endpoint's object. Raises UpstreamError."""
    if claim.row.kind == COMPACTION:
        return compaction.compact(provider, generation, call, claim, sealer)
    assert claim.row.kind == INPUT_TOKENS, claim.row.kind
    return counting.count(provider, generation, call)
