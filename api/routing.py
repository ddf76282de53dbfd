"""What of a request's headers takes part in choosing a provider."""

from __future__ import annotations

from flask import request

from shared.catalog import PROVIDER_HEADERS


def provider_headers() -> dict[str, str]:
    return {name: request.headers.get(name, "") for name in PROVIDER_HEADERS}
