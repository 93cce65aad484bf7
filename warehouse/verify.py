"""Whether a folder is the release that was published: every file, byte for byte, and the signature.

Belongs here: comparing a folder with its own `publication.json`, needing no warehouse and no database. Does not belong
here: whether the figures are right (the gate judged that), or keys (`signature`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.files import sha256_of
from warehouse.signature import SIGNATURE_FILE, signed_by

PUBLICATION_FILE = "publication.json"
UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Verification:
    """What was found: `problems` in words, empty when the release is whole and its signature, if it has one, holds.

    `signer`: fingerprint of the key that signed it, None when it is unsigned or the signature does not hold.
    `is_trusted`: whether that is the key asked for, None when none was.
    """

    publication_id: str | None
    files: int
    problems: tuple[str, ...]
    signer: str | None
    is_trusted: bool | None

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the release."""
        return not self.problems


def read_publication(path: Path) -> dict[str, Any]:
    """The release's own account of itself, `publication.json`."""
    return dict(json.loads((path / PUBLICATION_FILE).read_bytes()))


def verify(path: Path, trusted: str | None = None) -> Verification:
    """Check a release that lies in `path`.

    Args:
        path: folder with `publication.json`; links in it are no part of a release.
        trusted: fingerprint of the key that must have signed it; without it any signature that holds will do, and none.
    """
    problems = verify_release(path)
    try:
        content = (path / PUBLICATION_FILE).read_bytes()
        document = json.loads(content)
        files = len(document["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return Verification(None, 0, tuple(problems), None, None if trusted is None else False)
    signer, fault = _signer(path, content, document)
    if fault:
        problems.append(fault)
    is_trusted = None if trusted is None else signer == trusted
    if is_trusted is False and not fault:
        found = "it is unsigned" if signer is None else f"it was signed by the key {signer}"
        problems.append(f"it was not signed by the key {trusted}: {found}")
    return Verification(str(document.get("publication_id")), files, tuple(problems), signer, is_trusted)


def verify_release(path: Path) -> list[str]:
    """What is wrong with a release's files, in words; empty when each is there and has the hash it should."""
    try:
        expected = {str(entry["path"]): entry["sha256"] for entry in read_publication(path)["files"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{PUBLICATION_FILE} cannot be read: {error}"]
    problems = []
    for name, sha256 in expected.items():
        if not _is_inside(name):
            problems.append(f"{PUBLICATION_FILE} lists {name}, which is no file of a release")
        elif not _is_file(path / name):
            problems.append(f"{name} is missing")
        elif sha256_of(path / name) != sha256:
            problems.append(f"{name} was changed")
    own = {PUBLICATION_FILE, SIGNATURE_FILE}
    standing = {
        entry.relative_to(path).as_posix()
        for entry in path.rglob("*")
        if entry.is_symlink() or not entry.is_dir()
    }
    problems += [f"{name} does not belong here" for name in sorted(standing - set(expected) - own)]
    return problems


def _signer(path: Path, content: bytes, document: dict[str, Any]) -> tuple[str | None, str | None]:
    """Fingerprint of who signed, and what is wrong with the signature in words."""
    declared = document.get("signed_by")
    if not _is_file(path / SIGNATURE_FILE):
        if declared:
            return None, f"{SIGNATURE_FILE} is missing: the release says that the key {declared} signed it"
        return None, None
    try:
        signer = signed_by(content, (path / SIGNATURE_FILE).read_bytes())
    except (OSError, ValueError) as error:
        return None, f"{SIGNATURE_FILE}: {error}"
    if signer != declared:
        return None, f"{SIGNATURE_FILE} is of the key {signer}, the release says {declared or UNSIGNED}"
    return signer, None


def _is_inside(name: str) -> bool:
    """Whether a listed path stays below the folder: a list from elsewhere must not make us read other files."""
    parts = Path(name).parts
    return bool(parts) and not Path(name).is_absolute() and ".." not in parts


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
