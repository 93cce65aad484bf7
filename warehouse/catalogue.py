"""A release described for data portals: DCAT 3 as JSON-LD.

Belongs here: what a catalogue says of the files that lie in a release. Does not belong here: the schema of a table
(`datapackage.json`), what a figure means (`meta_column`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from warehouse.exports import DUCKDB_FILE, as_json, file_entries
from warehouse.report.language import load_languages

CATALOGUE_FILE = "dcat.jsonld"
_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".duckdb": "application/octet-stream",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".geojson": "application/geo+json",
}
_IANA = "https://www.iana.org/assignments/media-types/"
_KAZAKHSTAN = "http://publications.europa.eu/resource/authority/country/KAZ"


def write_catalogue(release: Path) -> None:
    """Write `dcat.jsonld`: the release as a dataset, each data file in it as a distribution with size and SHA-256.

    Addresses are relative to the file, so that the description holds wherever the folder lies. Says nothing of licence,
    publisher or date of issue, which a release does not know.
    """
    with duckdb.connect(str(release / DUCKDB_FILE), read_only=True) as connection:
        publication, label = connection.execute(
            "select publication_id, label from marts.meta_publication"
        ).fetchall()[0]
        dates = _dates(connection)
    files = {
        path: entry for path, entry in file_entries(release).items() if Path(path).suffix in _MEDIA_TYPES
    }
    before = f"{label}: " if label else ""
    dataset: dict[str, Any] = {
        "@id": f"urn:qamtu:{publication}",
        "@type": "dcat:Dataset",
        "dct:identifier": publication,
        "dct:title": [_text(f"{before}{each.texts['site']['name']}", each.code) for each in load_languages()],
        "dct:description": [
            _text(each.texts["site"]["sample" if label else "description"], each.code)
            for each in load_languages()
        ],
        "dct:spatial": {"@id": _KAZAKHSTAN},
        "dct:language": [each.code for each in load_languages()],
        "dcat:keyword": [_text("SAMPLE", "en")] if label else [],
        "dcat:distribution": [_distribution(path, entry) for path, entry in files.items()],
    }
    if dates:
        dataset["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": {"@value": dates[0], "@type": "xsd:date"},
            "dcat:endDate": {"@value": dates[1], "@type": "xsd:date"},
        }
    (release / CATALOGUE_FILE).write_bytes(as_json({"@context": _CONTEXT, **dataset}))


def _distribution(path: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "dcat:Distribution",
        "dct:title": path,
        "dcat:downloadURL": {"@id": path},
        "dcat:mediaType": {"@id": _IANA + _MEDIA_TYPES[Path(path).suffix]},
        "dcat:byteSize": {"@value": str(entry["bytes"]), "@type": "xsd:nonNegativeInteger"},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": entry["sha256"],
        },
    }


def _dates(connection: duckdb.DuckDBPyConnection) -> tuple[str, str] | None:
    """First and last date that a figure of the release describes."""
    try:
        row = connection.execute(
            "select min(as_of_date)::varchar, max(as_of_date)::varchar from marts.fct_metric"
        ).fetchall()[0]
    except duckdb.CatalogException:
        return None
    return row if row[0] else None


def _text(value: str, language: str) -> dict[str, str]:
    return {"@value": value, "@language": language}
