"""Choosing and refusing ports, on real sockets of this machine's loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cli.ports import choose_port, require_port, url_host
from shared.errors import ConfigurationError


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_port_when_the_preferred_one_is_free_is_that() -> None:
    port = choose_port(None, set())

    assert choose_port(port, set()) == port


def test_port_when_the_preferred_one_is_busy_is_another(busy: int) -> None:
    assert choose_port(busy, set()) != busy


def test_port_when_the_preferred_one_is_taken_is_another() -> None:
    port = choose_port(None, set())

    assert choose_port(port, {port}) != port


@pytest.mark.parametrize("nonsense", ["8000", None, 0, 70000, {}])
def test_port_when_the_preferred_one_is_nonsense_is_another(nonsense: object) -> None:
    assert 20_000 <= choose_port(nonsense, set()) < 32_000


def test_port_when_busy_is_refused_with_its_number_and_the_flag(busy: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"port {busy} .*--port"):
        require_port("127.0.0.1", busy)


@pytest.mark.parametrize(
    ("host", "dialled"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("localhost", "localhost"), ("::1", "[::1]")],
)
def test_host_when_put_into_a_url_can_be_dialled(host: str, dialled: str) -> None:
    assert url_host(host) == dialled
