"""Entries of senders: where each leaves its files, when they are fetched, what is expected of it, whom to write to.

Belongs here: the model of an entry and its validation. Does not belong here: fetching (`pull`), or who has filed
(`filing`). A sender whose entry names no source leaves its files in the inbox.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingestion.contract import load_contracts
from warehouse.yaml_file import read_yaml

SENDERS_DIR = Path(__file__).parent / "senders"

VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
# What each kind of place takes as credentials.
CREDENTIALS: dict[str, set[str]] = {
    "file": set(),
    "sftp": {"username", "password", "private_key"},
    "s3": {"access_key_id", "secret_access_key"},
    "http": {"username", "password", "token", "api_key"},
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Contact(_Strict):
    """Whom to write to about the sender's filings."""

    name: str
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class Expected(_Strict):
    """An extract the sender owes for every period of its contract's cadence that ends from `since` on.

    It is due `due_days` after the period's end.
    """

    extract: str
    since: dt.date
    due_days: int = Field(ge=0, le=730)

    @field_validator("extract")
    @classmethod
    def _has_a_contract(cls, value: str) -> str:
        if value not in load_contracts():
            raise ValueError(f"no contract for extract {value!r}")
        return value


class StatGovElement(_Strict):
    """An element of stat.gov.kz: a table as a file, under the number its page has.

    `fields` are the columns of the text file, which is separated by tabs although it is called CSV there.
    """

    kind: Literal["stat_gov_element"]
    element: int
    format: Literal["csv", "json", "xlsx"]
    language: Literal["ru", "kk", "en"] = "ru"
    regional: bool = False
    fields: list[str] = Field(default_factory=list)


class TaldauTree(_Strict):
    """An index of Taldau, read down its tree of terms. `levels` below the root are read.

    `fields` are the keys of a node but for those of values (`y122025` and the like, which grow each period).
    """

    kind: Literal["taldau_tree"]
    index: int
    period: int = 7
    dictionaries: list[int] = Field(default=[67], min_length=1)
    root_terms: list[int] = Field(default=[741880], min_length=1)
    levels: int = Field(default=1, ge=0, le=4)
    fields: list[str]


class EgovDataset(_Strict):
    """A dataset of data.egov.kz, page by page. `fields` are the keys of a record."""

    kind: Literal["egov_dataset"]
    dataset: str = Field(pattern=r"^[a-z0-9_]+$")
    version: str = Field(pattern=r"^v\d+$")
    page_rows: int = Field(default=1000, ge=1, le=10_000)
    fields: list[str]


Api = Annotated[StatGovElement | TaldauTree | EgovDataset, Field(discriminator="kind")]


class Source(_Strict):
    """One place a sender's files are fetched from.

    `uri` is a folder, and `files` are patterns of paths below it: `*` within a folder, `**` through folders. A name
    without either is fetched without listing the folder. With `api`, the URI is that of the service's root and `name`
    what the answer is called. `credentials` name variables of the environment. `host_key` is that of an SFTP server,
    `endpoint` and `region` are those of an S3 server that is not Amazon's.
    """

    uri: str
    files: list[str] = Field(default_factory=list)
    api: Api | None = None
    name: str | None = Field(default=None, pattern=r"^[\w.-]+$")
    credentials: dict[str, VariableName] = Field(default_factory=dict)
    host_key: str | None = None
    endpoint: str | None = None
    region: str | None = None
    requests_per_minute: int | None = Field(default=None, ge=1, le=6000)

    @property
    def scheme(self) -> str:
        """The kind of place: file, sftp, s3 or http (also for https)."""
        scheme = urlsplit(self.uri).scheme
        return "http" if scheme == "https" else scheme

    @property
    def rate_per_minute(self) -> int | None:
        """Requests that go out in a minute at most: what the entry says, else one a second over HTTP."""
        return self.requests_per_minute or (60 if self.scheme == "http" else None)

    @field_validator("files")
    @classmethod
    def _stay_below_the_uri(cls, value: list[str]) -> list[str]:
        for pattern in value:
            if pattern.startswith("/") or ".." in pattern.split("/"):
                raise ValueError(f"{pattern!r} leaves the folder of the URI")
        return value

    @model_validator(mode="after")
    def _fits_its_place(self) -> Source:
        parts = urlsplit(self.uri)
        if self.scheme not in CREDENTIALS:
            raise ValueError(f"{self.uri!r}: give a URI of file://, sftp://, s3://, https:// or http://")
        if parts.username or parts.password:
            raise ValueError("a URI bears no user or password: name variables under 'credentials'")
        unknown = sorted(set(self.credentials) - CREDENTIALS[self.scheme])
        if unknown:
            allowed = ", ".join(sorted(CREDENTIALS[self.scheme])) or "none"
            raise ValueError(f"{self.scheme} takes no credential {unknown}; it takes {allowed}")
        if self.scheme == "sftp" and self.host_key is None:
            raise ValueError("SFTP needs the server's 'host_key', as ssh-keyscan prints it without the name")
        if isinstance(self.api, StatGovElement) and self.api.format == "csv" and not self.api.fields:
            raise ValueError("name the columns of the element's text under 'fields'")
        if (self.api is None) != (self.name is None):
            raise ValueError("'api' and 'name' go together")
        if (self.api is None) == (not self.files):
            raise ValueError("give either 'files' or 'api'")
        if self.api is not None and self.scheme != "http":
            raise ValueError("'api' is for https:// and http://")
        if isinstance(self.api, EgovDataset) and "api_key" not in self.credentials:
            raise ValueError("data.egov.kz answers nobody without a key: name its variable as 'api_key'")
        return self


class Sender(_Strict):
    """One entry."""

    sender: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    is_sample: bool = Field(default=False, alias="sample")
    contact: Contact
    schedule: str = "0 5 * * *"
    expected: list[Expected] = Field(default_factory=list)
    sources: list[Source] = Field(default_factory=list)

    @field_validator("schedule")
    @classmethod
    def _is_a_cron_line(cls, value: str) -> str:
        if not re.fullmatch(r"[\d*/,-]+( [\d*/,-]+){4}", value):
            raise ValueError(f"{value!r} is no schedule of five fields as cron writes it")
        return value

    @field_validator("expected")
    @classmethod
    def _each_once(cls, value: list[Expected]) -> list[Expected]:
        kinds = [one.extract for one in value]
        if len(set(kinds)) < len(kinds):
            raise ValueError("an extract is expected more than once")
        return value


class SenderError(Exception):
    """An entry that cannot be used; names the file and what to mend."""


def read_sender(path: Path) -> Sender:
    """Read and validate one entry; raises SenderError naming the file, the place and the remedy."""
    try:
        entry = Sender.model_validate(read_yaml(path))
    except (ValueError, yaml.YAMLError) as error:
        raise SenderError(f"{path}: {error}") from error
    if entry.sender != path.stem:
        raise SenderError(f"{path}: 'sender' says {entry.sender!r}, the file is {path.stem!r}")
    return entry


@cache
def load_senders(folder: Path = SENDERS_DIR) -> Mapping[str, Sender]:
    """All entries by sender, in alphabetical order; raises SenderError on the first unusable one."""
    entries = [read_sender(path) for path in sorted(folder.glob("*.yaml"))]
    return {entry.sender: entry for entry in entries}
