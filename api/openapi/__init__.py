"""The OpenAPI document: what this program takes and answers, out of the types that validate it."""

from api.openapi.document import build_document

__all__ = ["build_document"]
