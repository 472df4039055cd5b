"""Signs text that a client keeps and returns, so that it is known to come from the gateway."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

DIGEST_BYTES = 16  # as strong as the keys of most ciphers


class Signer:
    """Signs with `key`; without one, with a new key, so that signatures end with the process.

    >>> signer = Signer()
    >>> signer.verified(signer.signed("Hm.")), signer.verified("Hm.")
    ('Hm.', None)
    """

    def __init__(self, key: bytes | None = None):
        self._key = key or secrets.token_bytes(32)

    def signed(self, text: str) -> str:
        """Returns `text` with its signature, as one opaque word."""
        encoded = text.encode("utf-8", "surrogatepass")
        return base64.urlsafe_b64encode(self._digest(encoded) + encoded).decode()

    def verified(self, word: str) -> str | None:
        """Returns the text that was signed as `word`; None if it was not signed with this key."""
        try:
            data = base64.urlsafe_b64decode(word)
        except ValueError:
            return None
        digest, encoded = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        if not hmac.compare_digest(digest, self._digest(encoded)):
            return None
        return encoded.decode("utf-8", "surrogatepass")

    def _digest(self, encoded: bytes) -> bytes:
        return hmac.digest(self._key, encoded, hashlib.sha256)[:DIGEST_BYTES]
