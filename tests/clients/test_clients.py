"""Every client works unchanged: the official SDKs of each line, and an agent framework.

A line that cannot be installed here, and a call that a line's SDK does not have, are skipped with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients.environments import Unavailable, command
from tests.clients.lines import LINES, Run, run
from tests.support.stack import Stack

# The clients are what differs here; the databases are compared by tests/functional.
pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True)

_EVERY = [(name, scenario) for name, (_, scenarios) in LINES.items() for scenario in scenarios]


@pytest.fixture(scope="module")
def run_of(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Run]]:
    """A line's one run, made when first asked for; meanwhile the next lines are installed."""
    runs: dict[str, Run | Unavailable] = {}
    with ThreadPoolExecutor(1) as pool:
        commands = {name: pool.submit(command, LINES[name][0]) for name in _chosen(request.session.items)}

        def ask(name: str) -> Run:
            if name not in runs:
                try:
                    runs[name] = run(name, commands[name].result(), stack)
                except Unavailable as error:
                    runs[name] = error
            found = runs[name]
            if isinstance(found, Unavailable):
                pytest.skip(f"{name}: {found}")
            return found

        yield ask
        pool.shutdown(cancel_futures=True)


def _chosen(items: list[pytest.Item]) -> list[str]:
    """The lines that this session will ask for, in order."""
    asking = [item for item in items if isinstance(item, pytest.Function) and "run_of" in item.fixturenames]
    return list(dict.fromkeys(str(item.callspec.params["name"]) for item in asking))


@pytest.mark.parametrize("name", LINES)
def test_client_when_run_then_it_tells_of_every_scenario(run_of: Callable[[str], Run], name: str) -> None:
    told = run_of(name)

    assert sorted(told.outcomes) == sorted(LINES[name][1])


@pytest.mark.parametrize(("name", "scenario"), _EVERY)
def test_client_when_it_calls_then_it_works_unchanged(
    run_of: Callable[[str], Run], name: str, scenario: str
) -> None:
    told = run_of(name)

    found = told.outcomes[scenario]
    if found.outcome == "absent":
        pytest.skip(f"{name} ({told.version}) has no {found.detail}")
    assert found.outcome == "ok", f"{name} ({told.version}): {found.detail}"
