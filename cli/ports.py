"""Which TCP ports `respool dev` listens on, and whether they are free."""

from __future__ import annotations

import contextlib
import errno
import random
import socket
import time

from shared.errors import ConfigurationError

# Below the range from which the kernel takes the source ports of outgoing connections: a client that
# dials a restarting child again and again can otherwise be given the child's own port.
_RANGE = range(20_000, 32_000)
_LOOPBACK = "127.0.0.1"
_PATIENCE_SECONDS = 2.0


def choose_port(preferred: object, taken: set[int]) -> int:
    """The preferred port if it is free on loopback, else another one."""
    candidates = [preferred] if isinstance(preferred, int) and 0 < preferred < 65536 else []
    candidates += random.sample(_RANGE, 100)
    for port in candidates:
        if port not in taken and _can_listen(_LOOPBACK, port):
            return port
    raise ConfigurationError(f"no free port between {_RANGE.start} and {_RANGE.stop} on {_LOOPBACK}")


def require_port(host: str, port: int) -> None:
    """Say now, by name, what the API would only say in its log."""
    try:
        _listen_patiently(host, port)
    except socket.gaierror as error:
        raise ConfigurationError(
            f"cannot listen on {host}: {error.strerror}; give an address with --host"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"port {port} on {host} cannot be used ({error.strerror}): choose another with --port"
        ) from error


def url_host(host: str) -> str:
    """The host a client on this machine dials to reach a server that listens on `host`."""
    dialled = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{dialled}]" if ":" in dialled else dialled


def _can_listen(host: str, port: int) -> bool:
    with contextlib.suppress(OSError):
        _listen(host, port)
        return True
    return False


def _listen_patiently(host: str, port: int) -> None:
    """The server of a supervisor that was killed a moment ago may still be on its way out."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _listen(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _listen(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        # As the servers do: connections of a previous run that still linger are no obstacle.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
