"""The `responses` dialect: our own; everything is passed on as it came."""

from __future__ import annotations

from shared.catalog.dialects.expression import Dialect

RESPONSES = Dialect("responses")
