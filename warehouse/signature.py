"""Signatures of releases: who vouches for `publication.json`, and with it for every file that it lists.

Belongs here: signing with an Ed25519 key, checking a signature, naming a key. Does not belong here: what is signed, or
whether the files are those that were listed (`verify`).

The private key is named by the environment variable QAMTU_SIGNING_KEY: a PEM file, or the PEM text itself. It never
enters a release; the public key and its fingerprint do. An Ed25519 signature has no chance in it, so the same document
and key give the same signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_FILE = "publication.json.sig"
KEY_VARIABLE = "QAMTU_SIGNING_KEY"
TRUSTED_VARIABLE = "QAMTU_TRUSTED_KEY"
_ALGORITHM = "Ed25519"


class SignatureKeyError(Exception):
    """A key cannot be read, or is not one of Ed25519."""


@dataclass(frozen=True)
class Signer:
    """A private key, and the fingerprint by which its public key is known."""

    key: Ed25519PrivateKey
    fingerprint: str

    def sign(self, content: bytes) -> bytes:
        """The signature file for `content`: JSON with algorithm, public key and signature."""
        document = {
            "algorithm": _ALGORITHM,
            "key_fingerprint": self.fingerprint,
            "public_key": base64.b64encode(self.key.public_key().public_bytes_raw()).decode(),
            "signature": base64.b64encode(self.key.sign(content)).decode(),
        }
        return (json.dumps(document, indent=2) + "\n").encode()


def signer_from_environment() -> Signer | None:
    """The signer that QAMTU_SIGNING_KEY names, or None when it is not set: the release is then unsigned and says so.

    Errors: SignatureKeyError when the variable is set and names no private Ed25519 key without a password.
    """
    given = os.environ.get(KEY_VARIABLE, "").strip()
    if not given:
        return None
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_pem(given), password=None)
    except (OSError, ValueError, TypeError) as error:
        # Neither the text nor the cause is told: either may hold the key.
        raise SignatureKeyError(
            f"{KEY_VARIABLE} names no readable private key in PEM without a password; make one with "
            "`openssl genpkey -algorithm ed25519`"
        ) from (error if isinstance(error, OSError) else None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureKeyError(f"{KEY_VARIABLE} is not an Ed25519 key")
    return Signer(key, fingerprint_of(key.public_key().public_bytes_raw()))


def read_public_key(path: Path) -> str:
    """Fingerprint of the public Ed25519 key in a PEM file. Errors: SignatureKeyError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SignatureKeyError(f"{path}: no readable public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureKeyError(f"{path}: not an Ed25519 key")
    return fingerprint_of(key.public_bytes_raw())


def fingerprint_of(public_key: bytes) -> str:
    """Name of a public key: SHA-256 of its 32 bytes, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()


def signed_by(content: bytes, signature_file: bytes) -> str:
    """Fingerprint of the key that signed `content`. Errors: ValueError, in words, when the signature does not hold."""
    from cryptography.exceptions import InvalidSignature

    try:
        document = json.loads(signature_file)
        raw = base64.b64decode(document["public_key"], validate=True)
        signature = base64.b64decode(document["signature"], validate=True)
        algorithm = document["algorithm"]
        key = _public_key(raw)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("the signature cannot be read") from error
    if algorithm != _ALGORITHM:
        raise ValueError(f"the signature is of the unknown kind {algorithm!r}")
    try:
        key.verify(signature, content)
    except InvalidSignature as error:
        raise ValueError("the signature is not one of this document: it was changed or forged") from error
    return fingerprint_of(raw)


def _public_key(raw: bytes) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(raw)


def _pem(given: str) -> bytes:
    return given.encode() if given.startswith("-----BEGIN") else Path(given).read_bytes()
