"""The tree drawn in shared/errors.py is the tree of its classes."""

from __future__ import annotations

import inspect
import re

from shared import errors

_LINE = re.compile(r"^(?P<lead>[\s│├└─]*)(?P<name>[A-Z]\w+)(\s|$)")


def test_errors_drawn_are_the_errors_there_are() -> None:
    assert _drawn() == _defined()


def _defined() -> dict[str, str]:
    return {
        name: value.__bases__[0].__name__
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
    }


def _drawn() -> dict[str, str]:
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = _LINE.match(line)
        if match is None or not (_is_branch(match["lead"]) or match["name"] == "RespoolError"):
            continue
        depth = len(match["lead"])
        while above and above[-1][0] >= depth:
            above.pop()
        parents[match["name"]] = above[-1][1] if above else "Exception"
        above.append((depth, match["name"]))
    return parents


def _is_branch(lead: str) -> bool:
    return "├" in lead or "└" in lead
