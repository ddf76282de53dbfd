"""An upstream behind TLS: heard as any other; what breaks off after the request may have been billed."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests.adapters
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.errors import UpstreamError
from tests.unit.workers.http_posts import post
from workers.providers import HttpClient

HOST = "127.0.0.1"
Answer = Callable[[ssl.SSLSocket, socket.socket], None]


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server's certificate with its key, which our side trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "server.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(path))
    return path


def serve(certificate: Path, answer: Answer) -> tuple[str, threading.Thread]:
    """Takes one request and lets `answer` have both sides of its connection: through TLS, and below it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    listener = socket.create_server((HOST, 0))

    def run() -> None:
        plain, _ = listener.accept()
        below = socket.socket(fileno=socket.dup(plain.fileno()))
        with listener, below, context.wrap_socket(plain, server_side=True) as connection:
            request = b""
            while not request.endswith(b"{}"):
                request += connection.recv(65_536)
            answer(connection, below)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return f"https://{HOST}:{listener.getsockname()[1]}/v1/responses", thread


def test_answer_when_behind_tls_then_heard(certificate: Path, client: HttpClient) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    url, thread = serve(certificate, lambda connection, _: connection.sendall(whole))

    assert post(client, url) == b"hello"
    thread.join(10)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"])
def test_answer_when_its_tls_breaks_off_after_the_request_then_the_outcome_is_unknown(
    certificate: Path, client: HttpClient, before: bytes
) -> None:
    def answer(connection: ssl.SSLSocket, below: socket.socket) -> None:
        connection.sendall(before)
        below.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)  # a record that nobody has sealed

    url, thread = serve(certificate, answer)

    with pytest.raises(UpstreamError) as broken:
        post(client, url)

    assert (broken.value.reason, broken.value.unbilled) == ("upstream_disconnected", False)
    thread.join(10)
