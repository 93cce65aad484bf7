"""What may be kept, and what a change of code or of the lake makes due."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.reuse import Keys, remember, remembered, sound
from tests.unit.audit_kit import Country, home_in, small_country
from warehouse.candidate import Manifest, parse_manifest, read_manifest
from warehouse.fingerprint import CandidateFingerprint, fingerprint_candidate
from warehouse.paths import Home


def keys_of(manifest: Manifest) -> dict[str, Keys]:
    made = [uid for uid, node in manifest.relations.items() if node.resource_type != "source"]
    return dict.fromkeys(made, Keys("now", "code"))


def test_rows_made_of_a_damaged_lake_are_not_built_upon() -> None:
    manifest = parse_manifest(small_country().manifest())
    keys = keys_of(manifest)
    whole = CandidateFingerprint(nodes={}, candidate="")
    assert sound(manifest, keys, keys, whole) == keys
    source = next(uid for uid, node in manifest.relations.items() if node.resource_type == "source")
    damaged = replace(whole, faults={source: ("changed",)})
    below = {uid for uid in keys if source in manifest.upstream(uid)}
    assert below
    assert set(keys) - set(sound(manifest, keys, keys, damaged)) == below


def test_what_is_made_of_older_tables_is_not_built_upon() -> None:
    manifest = parse_manifest(small_country().manifest())
    keys = keys_of(manifest)
    parent, child = next(
        (parent, uid) for uid in keys for parent in manifest.relations[uid].parents if parent in keys
    )
    standing = {**keys, parent: Keys("before", "code")}
    kept = sound(manifest, keys, standing, CandidateFingerprint(nodes={}, candidate=""))
    assert not {parent, child} & set(kept)


def document(**changes: Any) -> dict[str, Any]:
    """A manifest of one mart whose macro reads the graph, and one that reads nothing."""
    column = {"name": "kato", "data_type": "varchar", "description": "Code.", "config": {"meta": {}}}
    mart = {
        "resource_type": "model", "name": "m", "schema": "marts", "raw_code": "select 1", "depends_on": {"macros": []},
        "config": {"materialized": "table", "contract": {"enforced": True}}, "columns": {"kato": column | changes},
    }  # fmt: skip
    dictionary = mart | {"name": "d", "columns": {}, "depends_on": {"macros": ["macro.p.mart_columns"]}}
    return {
        "nodes": {"model.p.m": mart, "model.p.d": dictionary},
        "macros": {
            "macro.p.mart_columns": {"macro_sql": "{% for node in graph.nodes %}", "package_name": "p"}
        },
    }


def test_the_dictionary_is_due_when_a_column_is_described_anew() -> None:
    before, after = parse_manifest(document()), parse_manifest(document(description="Nine digits."))
    assert before.nodes["model.p.d"].code_hash != after.nodes["model.p.d"].code_hash
    assert before.nodes["model.p.m"].code_hash == after.nodes["model.p.m"].code_hash


def test_a_table_is_due_when_its_contract_changes() -> None:
    before, after = parse_manifest(document()), parse_manifest(document(data_type="bigint"))
    assert before.nodes["model.p.m"].code_hash != after.nodes["model.p.m"].code_hash


def test_proof_on_a_staging_view_ends_with_the_list_of_deliveries_it_was_made_with(tmp_path: Path) -> None:
    def staging(home: Home, country: Country) -> str:
        country.write(home)
        manifest = read_manifest(home.dbt_target / "manifest.json")
        with duckdb.connect(str(home.build_file), read_only=True) as connection:
            found = fingerprint_candidate(home, manifest, connection)
        return found.nodes[country.id_of("stg_availability")]

    country = small_country()
    listing = country.tables["stg_availability"]
    deliveries = replace(
        listing, sql="select * from read_parquet('~/meta/extract.parquet')", parents=("lake.extract",)
    )
    country.tables = {"stg_extract": deliveries, **country.tables}
    country.tables["stg_availability"] = replace(listing, parents=(*listing.parents, "stg_extract"))
    home = home_in(tmp_path)
    before = staging(home, country)
    assert staging(home, country) == before
    country.tables["stg_extract"] = replace(deliveries, sql=f"{deliveries.sql} where is_current")
    assert staging(home, country) != before


@pytest.mark.parametrize("text", ["", "5", "[]", "{}", '{"file": [1, 2], "nodes": {"model.qamtu.a": 5}}'])
def test_what_is_remembered_of_a_build_may_be_anything(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path)
    home.build.mkdir(parents=True)
    remember(home, {"model.qamtu.a": Keys("made", "code")})
    assert list(remembered(home)) == ["model.qamtu.a"]
    (home.build / "built.json").write_text(text)
    assert remembered(home) == {}
