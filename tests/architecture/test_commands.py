"""Every command and flag that a document shows is one that the program has."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from cli.parser import build_parser
from tests.architecture.tree import document_files, read

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_CALL = re.compile(r"(?:^|[\s/])respool +([a-z][^\n]*)")
_MAKE = re.compile(r"^(?:\$ )?make +([a-z]+)")
_SHELL_END = re.compile(r"\s(?:\||&&|;|>|#|&)|\\$")


def test_commands_shown_in_documents_exist() -> None:
    problems = [
        f"{path}: respool {call}: {problem}"
        for path in _documents()
        for call in _calls(path)
        for problem in _problems(call)
    ]

    assert problems == []


def test_make_targets_shown_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))

    unknown = {
        f"{path}: make {target}"
        for path in _documents()
        for code in _code(read(path))
        for target in _MAKE.findall(code)
        if target not in targets
    }

    assert unknown == set()


def test_a_call_with_an_unknown_flag_is_a_problem() -> None:
    assert list(_problems("dev --prot 8000")) == ["no flag --prot"]


def test_a_call_of_an_unknown_action_is_a_problem() -> None:
    assert list(_problems("keys make --tenant T")) == ["no command make"]


def _documents() -> list[Path]:
    return [*document_files(), Path("CONTRIBUTING.md"), Path("CHANGELOG.md")]


def _code(text: str) -> Iterator[str]:
    """Each line of code in a document, and each piece of code within a sentence."""
    for block in _FENCE.findall(text):
        yield from block.splitlines()
    prose = _FENCE.sub("", text)
    yield from _INDENTED.findall(prose)
    yield from _INLINE.findall(prose)


def _calls(path: Path) -> Iterator[str]:
    for code in _code(read(path)):
        for call in _CALL.findall(code):
            yield _SHELL_END.split(call)[0].strip()


def _problems(call: str) -> Iterator[str]:
    """What is wrong with `call`: words are followed down the tree, flags looked up where they stand."""
    level = build_parser()
    for word in call.replace("[", " ").replace("]", " ").split():
        actions = _choices(level)
        if word.startswith("--"):
            if word.partition("=")[0] not in level._option_string_actions:
                yield f"no flag {word}"
        elif actions:
            named = word.split("|")
            unknown = [name for name in named if name not in actions]
            yield from (f"no command {name}" for name in unknown)
            if unknown or len(named) > 1:
                return
            level = actions[word]


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}
