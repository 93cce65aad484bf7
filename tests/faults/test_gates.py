"""Do the gates fire? Every defect that ingestion must catch, in a clean filing; the audit's defects need whole builds,
which `make faults` carries out."""

from __future__ import annotations

import pytest

from expectations.suite import load_suites
from ingestion.contract import load_contracts
from ingestion.faults import FILE_RULES
from tests.faults import gates
from tests.faults.gates import AtTheDoor, Door, OnTables, catalogue, clean_inbox, layout_of, slips_without
from tests.unit.coherent_faults import COHERENT_FAULTS

AT_THE_DOOR = [one for one in catalogue() if one.caught != "check"]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Door:
    folder = tmp_path_factory.mktemp("gates")
    return Door(folder, clean_inbox(folder / "clean"))


@pytest.fixture(scope="module")
def found(door: Door) -> dict[str, AtTheDoor]:
    return {one.defect.name: one for one in door.bring(AT_THE_DOOR)}


@pytest.mark.parametrize("name", [one.name for one in AT_THE_DOOR])
def test_a_defect_is_caught_by_its_rule_and_takes_nothing_with_it(
    found: dict[str, AtTheDoor], name: str
) -> None:
    one = found[name]
    assert one.is_caught, (sorted(one.fired), one.taken_out, one.others_untouched, one.message)


@pytest.mark.parametrize("rule", ["impossible_speed", "above_maximum", "future_period"])
def test_without_its_rule_a_defect_slips_through(door: Door, rule: str) -> None:
    slipped, caught = slips_without(door, rule)
    assert slipped
    assert not caught


@pytest.fixture(scope="module")
def told_alike() -> dict[str, OnTables]:
    return {one.check_id: one for one in gates.on_finished_tables(COHERENT_FAULTS)}


@pytest.mark.parametrize("check_id", sorted(COHERENT_FAULTS))
def test_without_its_expectation_a_fault_that_all_tables_tell_alike_slips_through(
    told_alike: dict[str, OnTables], check_id: str
) -> None:
    assert told_alike[check_id].is_caught
    assert told_alike[check_id].others == set()


def test_the_catalogue_names_defects_of_every_kind_and_checks_that_there_are() -> None:
    defects = catalogue()
    assert len({one.name for one in defects}) == len(defects) >= 60
    assert {layout_of(one.file).extract_kind for one in defects} == set(load_contracts())
    checks = {suite.check_id(one) for suite in load_suites() for one in suite.expectations}
    for one in defects:
        known = {"row": gates.row_rules(), "file": set(FILE_RULES), "check": checks}[one.caught]
        assert one.by in known, one.name
