"""The dialects that upstreams speak, and what each has no word for."""

from __future__ import annotations

from shared.catalog.dialects.chat_completions import CHAT_COMPLETIONS
from shared.catalog.dialects.expression import Dialect, Feature
from shared.catalog.dialects.messages import MESSAGES
from shared.catalog.dialects.responses import RESPONSES

DIALECTS = {dialect.name: dialect for dialect in (RESPONSES, CHAT_COMPLETIONS, MESSAGES)}

__all__ = ["DIALECTS", "Dialect", "Feature"]
