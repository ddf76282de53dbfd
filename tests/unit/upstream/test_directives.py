"""Model names say pace, faults and quirks; misspelt ones are refused."""

from __future__ import annotations

import pytest

from upstream.directives import read_model


def test_mock_name_with_all_parts_gives_words_interval_and_first_byte() -> None:
    directives = read_model("mock-n50-i5-l20")

    assert (directives.words, directives.interval, directives.first_byte) == (50, 0.005, 0.02)


def test_demo_streams_words_thirty_milliseconds_apart() -> None:
    assert read_model("demo").interval == 0.03


def test_unknown_name_behaves_like_demo_without_pause() -> None:
    directives = read_model("gpt-9")

    assert (directives.mock, directives.interval) == (False, 0.0)


@pytest.mark.parametrize("suffix", ["quirk=words:7&quirk=pace:2", "words:7&pace:2", "words=7&pace=2"])
def test_pace_and_words_override_in_every_spelling(suffix: str) -> None:
    directives = read_model(f"demo!{suffix}")

    assert (directives.words, directives.interval) == (7, 0.002)


def test_fault_argument_is_unquoted_and_keeps_its_colons() -> None:
    directives = read_model("demo!fault=redirect:http%3A//h:1/x%26y")

    assert directives.faults == {"redirect": "http://h:1/x&y"}


def test_fault_of_zero_words_is_zero_not_the_default() -> None:
    assert read_model("demo!fault=reset:0").number("reset", 9) == 0


@pytest.mark.parametrize("name", ["demo!fault=rest:3", "demo!quirk=odd", "demo!what", "demo!fault=cut:x"])
def test_misspelt_directive_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        read_model(name)
