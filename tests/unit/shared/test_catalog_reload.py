"""The catalog follows its file: what is valid is taken over, what is wrong is refused and said once."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from shared.catalog import Catalog, Reloader, load_catalog
from shared.settings import Settings

ONE = "providers:\n  one: {base_url: http://one/v1, models: [m]}\n"
TWO = "providers:\n  one: {base_url: http://other/v1}\n  two: {base_url: http://two/v1, api_key: '${KEY}'}\n"
WRONG = "providers:\n  one: {base_url: http://one/v1, modles: [m]}\n"


class World:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "providers.yaml"
        self.write(ONE)
        settings, environ = Settings(config=str(self.file)), {"KEY": "k"}
        self.catalog: Catalog = load_catalog(settings, environ)
        self.changed: list[frozenset[str]] = []
        self.reloader = Reloader(self.catalog, settings, environ, self.changed.append)
        self.look()

    def write(self, text: str) -> None:
        """As an editor does it: a new file takes the old one's place."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.file)

    def look(self) -> None:
        """Twice: a file is read when it has been still between two looks."""
        self.reloader.look()
        self.reloader.look()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_look_when_the_file_is_another_then_taken_over_by_all_who_hold_the_catalog(world: World) -> None:
    world.write(TWO)
    world.look()

    assert list(world.catalog.providers) == ["one", "two"]
    assert world.catalog.providers["two"].key() == "k"


def test_look_when_an_account_is_changed_then_told_which(world: World) -> None:
    world.changed.clear()
    world.write(TWO)
    world.look()

    assert world.changed == [{"one"}]


def test_look_when_nothing_changed_then_nobody_is_told_again(world: World) -> None:
    world.changed.clear()
    world.look()

    assert world.changed == []


def test_look_when_the_file_still_changes_then_left_alone(world: World) -> None:
    world.write(TWO)
    world.reloader.look()

    assert list(world.catalog.providers) == ["one"]


def test_look_when_the_file_is_wrong_then_the_old_stay(world: World) -> None:
    before = world.catalog.providers
    world.write(WRONG)
    world.look()

    assert (world.catalog.providers, world.reloader.refused) == (before, True)


def test_look_when_the_file_is_wrong_then_said_once_with_the_line(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.write(WRONG)
    with caplog.at_level(logging.ERROR):
        world.look()
        world.look()

    assert len(caplog.records) == 1
    assert "line 2: providers.one.modles" in caplog.records[0].getMessage()


def test_look_when_the_file_is_gone_then_the_old_stay(world: World) -> None:
    world.file.unlink()
    world.look()

    assert (list(world.catalog.providers), world.reloader.refused) == (["one"], True)


def test_look_when_the_file_is_right_again_then_no_longer_refused(world: World) -> None:
    world.write(WRONG)
    world.look()
    world.write(TWO)
    world.look()

    assert (list(world.catalog.providers), world.reloader.refused) == (["one", "two"], False)


def test_look_when_it_changed_before_the_first_look_then_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text(ONE)
    settings = Settings(config=str(file))
    catalog = load_catalog(settings, {})
    file.write_text(TWO)
    reloader = Reloader(catalog, settings, {"KEY": "k"})

    reloader.look()
    reloader.look()

    assert "two" in catalog.providers


def test_become_when_only_the_order_changes_then_the_first_is_the_default(world: World) -> None:
    world.write("providers:\n  zero: {base_url: http://zero/v1}\n  one: {base_url: http://one/v1}\n")
    world.look()

    assert world.catalog.default == "zero"


def test_catch_up_when_the_file_changed_then_taken_over_at_once(world: World) -> None:
    world.write(TWO)
    world.reloader.catch_up()

    assert "two" in world.catalog.providers


def test_catch_up_when_the_file_is_the_same_then_nobody_is_told(world: World) -> None:
    world.changed.clear()
    world.reloader.catch_up()

    assert world.changed == []


def test_catch_up_when_there_is_no_file_then_nothing_happens() -> None:
    catalog = load_catalog(Settings(openai_api_key="k", openai_base_url="http://x/v1"), {})
    Reloader(catalog, Settings(), {}).catch_up()

    assert "openai" in catalog.providers
