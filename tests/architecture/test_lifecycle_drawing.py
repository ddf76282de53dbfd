"""docs/lifecycle.md draws the state machine of shared/lifecycle.py, edge for edge."""

from __future__ import annotations

import re

from shared.lifecycle import TERMINAL, TRANSITIONS, Status, Transition
from tests.architecture.tree import read

_DRAWING = re.compile(r"```mermaid\s+stateDiagram-v2\n(.*?)```", re.DOTALL)
_EDGE = re.compile(r"^\s*(\[\*\]|\w+)\s*-->\s*(\[\*\]|\w+)\s*(?::\s*(.*?))?\s*$", re.MULTILINE)


def test_drawing_when_read_has_exactly_the_transitions() -> None:
    drawn = {
        (source, target, name)
        for source, target, label in _edges()
        if "[*]" not in (source, target)
        for name in _names(label)
    }

    assert drawn == {
        (str(source), str(target), str(transition))
        for transition, (sources, targets) in TRANSITIONS.items()
        for source in sources
        for target in targets
    }


def test_drawing_when_read_has_no_edge_without_a_transition() -> None:
    unnamed = [edge for edge in _edges() if "[*]" not in edge[:2] and not _names(edge[2])]

    assert unnamed == []


def test_drawing_when_read_begins_queued_and_ends_where_the_table_ends() -> None:
    begins = {target for source, target, _ in _edges() if source == "[*]"}
    ends = {source for source, target, _ in _edges() if target == "[*]"}

    assert (begins, ends) == ({str(Status.QUEUED)}, {str(status) for status in TERMINAL})


def _edges() -> list[tuple[str, str, str]]:
    drawing = _DRAWING.search(read("docs/lifecycle.md"))
    assert drawing, "docs/lifecycle.md has no mermaid stateDiagram-v2"
    return _EDGE.findall(drawing.group(1))


def _names(label: str) -> set[str]:
    """The transitions a label names; what stands in brackets or after a break explains them."""
    named = re.split(r"\(|<br", label)[0]
    return {str(transition) for transition in Transition if re.search(rf"\b{transition}\b", named)}
