"""A release is checked anywhere: every byte, nothing besides, and who signed it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from typer.testing import CliRunner

from orchestration.cli import app
from tests.unit.audit_kit import home_in, small_country
from tests.unit.test_releases import released
from warehouse.signature import SIGNATURE_FILE, SignatureKeyError, read_public_key, signer_from_environment
from warehouse.verify import verify

invoke = CliRunner().invoke


def private(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())


def public(folder: Path, key: ed25519.Ed25519PrivateKey) -> Path:
    path = folder / "public.pem"
    path.write_bytes(key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo))
    return path


KEY, OTHER = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that was signed, made by the code that makes every release."""
    folder = tmp_path_factory.mktemp("signed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QAMTU_SIGNING_KEY", private(KEY).decode())
        path = released(small_country(), home_in(folder)).path
    assert path is not None
    return path


@pytest.fixture
def copy(signed: Path, tmp_path: Path) -> Path:
    """The signed release somewhere else, free to be changed."""
    path = Path(shutil.copytree(signed, tmp_path / "received"))
    for each in (path, *path.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    return path


def test_a_signed_release_holds_anywhere(copy: Path, tmp_path: Path) -> None:
    found = verify(copy, read_public_key(public(tmp_path, KEY)))
    assert (found.problems, found.is_trusted, found.holds) == ((), True, True)
    assert found.signer == json.loads((copy / "publication.json").read_bytes())["signed_by"]
    assert found.files > 10


def change(path: Path) -> None:
    """One bit of the last byte."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def resign(copy: Path, key: ed25519.Ed25519PrivateKey) -> None:
    """Change a file, write the list of files to fit, and sign it with another key: a whole forgery."""
    from warehouse.files import sha256_of
    from warehouse.signature import Signer, fingerprint_of

    victim = copy / "csv" / "fct_metric.csv"
    change(victim)
    document = json.loads((copy / "publication.json").read_bytes())
    for entry in document["files"]:
        if entry["path"] == "csv/fct_metric.csv":
            entry["sha256"] = sha256_of(victim)
    signer = Signer(key, fingerprint_of(key.public_key().public_bytes_raw()))
    document["signed_by"] = signer.fingerprint
    content = json.dumps(document).encode()
    (copy / "publication.json").write_bytes(content)
    (copy / SIGNATURE_FILE).write_bytes(signer.sign(content))


def sign_as_somebody_else(copy: Path, key: ed25519.Ed25519PrivateKey) -> None:
    """Sign with another key what still names the first one."""
    from warehouse.signature import Signer, fingerprint_of

    signer = Signer(key, fingerprint_of(key.public_key().public_bytes_raw()))
    (copy / SIGNATURE_FILE).write_bytes(signer.sign((copy / "publication.json").read_bytes()))


def put_elsewhere(path: Path) -> None:
    """The same bytes, which may be others tomorrow."""
    elsewhere = path.parents[2] / path.name
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda copy: change(copy / "csv" / "fct_metric.csv"), "csv/fct_metric.csv was changed"),
        (lambda copy: change(copy / "coverage.duckdb"), "coverage.duckdb was changed"),
        (lambda copy: (copy / "datapackage.json").unlink(), "datapackage.json is missing"),
        (lambda copy: (copy / "csv" / "more.csv").write_text("x"), "csv/more.csv does not belong here"),
        (lambda copy: (copy / "way").symlink_to("/etc"), "way does not belong here"),
        (lambda copy: change(copy / SIGNATURE_FILE), "the signature cannot be read"),
        (lambda copy: (copy / SIGNATURE_FILE).unlink(), "is missing: the release says that the key"),
        (lambda copy: resign(copy, OTHER), "it was not signed by the key"),
        (lambda copy: sign_as_somebody_else(copy, OTHER), f"{SIGNATURE_FILE} is of the key"),
        (lambda copy: put_elsewhere(copy / "csv" / "fct_metric.csv"), "csv/fct_metric.csv is missing"),
    ],
)
def test_whatever_was_changed_is_named(
    copy: Path, tmp_path: Path, fault: Callable[[Path], object], told: str
) -> None:
    fault(copy)
    found = verify(copy, read_public_key(public(tmp_path, KEY)))
    assert not found.holds
    assert any(told in problem for problem in found.problems), found.problems
    answer = invoke(app, ["verify", str(copy), "--key", str(tmp_path / "public.pem")])
    assert (answer.exit_code, "NOT as it was published" in answer.stdout) == (4, True)


def test_a_changed_list_of_files_breaks_the_signature(copy: Path) -> None:
    text = (copy / "publication.json").read_text().replace('"is_sample": true', '"is_sample": false')
    (copy / "publication.json").write_text(text)
    assert verify(copy).problems == (
        f"{SIGNATURE_FILE}: the signature is not one of this document: it was changed or forged",
    )


def test_without_a_key_a_forgery_shows_only_who_signed_it(copy: Path) -> None:
    """Whoever can write a whole release can sign it: only a key known beforehand tells."""
    resign(copy, OTHER)
    found = verify(copy)
    assert (found.holds, found.is_trusted) == (True, None)
    answer = invoke(app, ["verify", str(copy)])
    assert (answer.exit_code, "nobody said whether it is to be trusted" in answer.stdout) == (0, True)


def test_a_list_that_points_elsewhere_is_not_followed(copy: Path) -> None:
    document = json.loads((copy / "publication.json").read_bytes())
    document["files"].append({"path": "../secret.txt", "sha256": "0" * 64})
    (copy / "publication.json").write_text(json.dumps(document))
    (copy.parent / "secret.txt").write_text("x")
    assert "publication.json lists ../secret.txt, which is no file of a release" in verify(copy).problems


def test_an_unsigned_release_says_so(tmp_path: Path) -> None:
    path = released(small_country(), home_in(tmp_path)).path
    assert path is not None
    assert (verify(path).signer, verify(path).holds, (path / SIGNATURE_FILE).exists()) == (None, True, False)
    answer = invoke(app, ["verify", str(path)])
    assert (answer.exit_code, "unsigned" in answer.stdout) == (0, True)
    asked = invoke(app, ["verify", str(path), "--json", "--key", str(public(tmp_path, KEY))])
    told = json.loads(asked.stdout)
    assert (asked.exit_code, told["is_trusted"], told["holds"]) == (4, False, False)


@pytest.mark.parametrize(
    "given", ["/no/such/key.pem", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"]
)
def test_a_key_that_cannot_be_read_stops_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("QAMTU_SIGNING_KEY", given)
    with pytest.raises(SignatureKeyError, match="names no readable private key") as caught:
        signer_from_environment()
    assert given not in str(caught.value)


def test_a_key_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(private(ec.generate_private_key(ec.SECP256R1())))
    monkeypatch.setenv("QAMTU_SIGNING_KEY", str(path))
    with pytest.raises(SignatureKeyError, match="is not an Ed25519 key"):
        signer_from_environment()
    with pytest.raises(SignatureKeyError, match="no readable public key"):
        read_public_key(path)


def test_what_is_no_release_is_no_release(tmp_path: Path) -> None:
    answer = invoke(app, ["verify", str(tmp_path)])
    assert (answer.exit_code, "publication.json cannot be read" in answer.stdout) == (4, True)
    assert invoke(app, ["verify", str(tmp_path / "nowhere")]).exit_code == 2
