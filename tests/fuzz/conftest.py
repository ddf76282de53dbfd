"""One stack is enough to fuzz: what is fuzzed is before the store. The report is shown at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.shots import Report
from tests.support.stack import Stack


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Iterator[Report]:
    report = Report()
    yield report
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n" + "\n".join(report.lines()))


@pytest.fixture(scope="session")
def key(stack: Stack) -> str:
    return stack.new_key("fuzz")
