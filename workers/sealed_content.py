"""Compacted conversations, sealed: only this gateway, and only for the same tenant, can open them.

AES-256-GCM with the tenant as associated data. A token names its key, so that keys can be rotated:
the first one of RESPOOL_SEALING_KEYS seals, all of them open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import ConfigurationError
from shared.wire.makers import GATEWAY_SEAL as PREFIX

_NONCE_BYTES = 12


class Sealer:
    def __init__(self, keys: dict[str, bytes]) -> None:
        """Key id -> 32 bytes; the first one seals."""
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._sealing = next(iter(self._ciphers))

    def seal(self, text: str, tenant_id: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._sealing].encrypt(nonce, text.encode(), tenant_id.encode())
        return f"{PREFIX}{self._sealing}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, token: str, tenant_id: str) -> str | None:
        """The text; None where the token is not ours, not the tenant's, or was changed."""
        if not token.startswith(PREFIX):
            return None
        key_id, _, body = token.removeprefix(PREFIX).partition(".")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(body)
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], tenant_id.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError):
            return None


def make_sealer(sealing_keys: str, secret_key: str) -> Sealer:
    """`sealing_keys`: `id:base64,id:base64`; without any, one derived from the secret key."""
    if not sealing_keys:
        return Sealer({"d": hashlib.sha256(b"respool sealed content\0" + secret_key.encode()).digest()})
    keys = {}
    for entry in sealing_keys.split(","):
        key_id, _, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not key_id.isalnum() or len(key) != 32:
            raise ConfigurationError("RESPOOL_SEALING_KEYS must be `id:key,…`, each key 32 bytes in base64")
        keys[key_id] = key
    return Sealer(keys)
