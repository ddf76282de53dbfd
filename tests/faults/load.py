"""A small mixed load on a plant."""

from __future__ import annotations

from tests.faults.conftest import Plant
from tests.support.load import Load, begin

MODEL = "mock-n80-i25"  # two seconds of words


def under_way(plant: Plant, *, each: int = 3, model: str = MODEL) -> Load:
    """As many streams as callers."""
    return begin(plant.stack, plant.checker(), model, streams=each, others=each)
