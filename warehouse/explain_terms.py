"""Terms of published figures: what each one counts, and the rows of files behind it.

Belongs here: for each kind of figure, how its terms and rows are found in a release and the lake. Does not belong here:
the figure itself, deliveries, checks (`explain`).

Terms have term, name, is_counted, numerator and denominator; rows have the term, what was filed, and extract_id, sheet,
row, file_name, sender and sha256.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from warehouse.release_reader import ReleaseReader, text_literal
from warehouse.terms import RULES, area_types, claims, settlements
from warehouse.verdicts import PUBLISHED

_NO_TERMS = "the release does not break this figure down into terms; its deliveries are listed"

_Parts = tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]


def terms_of(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    """Terms of the figure, rows of files behind them, rows of the census behind the whole."""
    metric = figure["metric_id"]
    if figure["status"] != PUBLISHED:
        # Terms and rows would tell what may not be told.
        reader.notes.append(
            "the figure is withheld, so neither are its terms shown: see the reason and the checks"
        )
        return [], [], []
    if metric in RULES and reader.has("fct_settlement_population"):
        return _settlement_terms(reader, figure)
    if metric in _FAMILIES:
        return _FAMILIES[metric](reader, figure)
    reader.notes.append(_NO_TERMS)
    return [], [], []


def _in_area(figure: Mapping[str, Any], alias: str) -> str:
    column = {"region": "region_kato", "district": "district_kato"}.get(figure["geography_level"])
    return f"{alias}.{column} = {text_literal(figure['kato'])}" if column else "true"


def _settlement_terms(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    rule = RULES[figure["metric_id"]]
    date = f"date '{figure['as_of_date']}'"
    villages = rule.weight == "villages"
    kinds = dict(reader.connection.execute(f"select * from {area_types(rule.weight)}").fetchall())
    rural = kinds.get(figure["area_type"])
    area = _in_area(figure, "places") + ("" if rural is None else f" and places.is_rural = {rural}")
    homes = rule.weight == "households"
    reader.connection.execute(
        f"create or replace temp table explained_claims as {claims('release.marts', rule.measure)} "
        f"and filings.as_of_date = {date}"
    )
    step = text_literal(figure["technology"])
    terms = reader.query(
        f"""
        with covered as (
            select settlement_kato, max(households_passed) as households_passed
            from explained_claims where step = {step} group by settlement_kato
        )
        select places.settlement_kato as term, names.name_ru as name, covered.settlement_kato is not null as is_counted,
            case when covered.settlement_kato is not null
                then {"covered.households_passed::double" if homes else f"places.{rule.weight}"} end as numerator,
            places.{rule.weight} as denominator, counts.population_as_of as census_date
        from ({settlements("release.marts")}) as places
        inner join dim_settlement as names on places.settlement_kato = names.settlement_kato
        inner join fct_settlement_population as counts
            on places.settlement_kato = counts.settlement_kato and places.as_of_date = counts.as_of_date
        left join covered on places.settlement_kato = covered.settlement_kato
        where places.as_of_date = {date} and {area} and (not {villages} or places.villages > 0)
            and (covered.settlement_kato is not null or coalesce(places.{rule.weight}, 0) > 0)
        order by coalesce(numerator, 0) desc, coalesce(denominator, 0) desc, term
        """
    )
    if any(term["is_counted"] and term["denominator"] is None for term in terms):
        reader.notes.append(
            "settlements that are covered but whose people or households nobody counted add nothing"
        )
    reader.connection.execute("create or replace temp table explained_terms (term varchar)")
    reader.connection.execute(
        "insert into explained_terms select unnest($terms::varchar[])",
        {"terms": [term["term"] for term in terms]},
    )
    rows = _claim_rows(reader, step, date)
    census = [] if villages else _census_rows(reader, figure, "households" if homes else "population")
    if villages:
        rows += _plan_rows(reader)
    return terms, rows, census


def _claim_rows(reader: ReleaseReader, step: str, date: str) -> list[dict[str, Any]]:
    """Rows of operators' files that make the terms count, by settlement, operator and technology."""
    found = []
    wanted = f"""
        select claims.* from explained_claims as claims
        inner join explained_terms as terms on claims.settlement_kato = terms.term where claims.step = {step}
    """
    # Lineage knows which earlier filing stands in for one of the date that is held.
    of_date = (
        f"extract_id in (select extract_id from meta_lineage where as_of_date = {date} and role = 'counted')"
    )
    filed = reader.lake("operator_availability", of_date)
    if filed:
        found += reader.query(
            f"""
            select claims.settlement_kato as term, claims.operator_id, claims.filed_technology as technology,
                received.connection_level, received.max_download_mbps, received.max_upload_mbps,
                received.households_passed, claims.extract_id, received.source_sheet as sheet,
                received.source_row as row, 1 as rows
            from ({wanted}) as claims
            inner join {filed} as received
                on claims.extract_id = received.extract_id and claims.settlement_kato = received.settlement_kato
                and claims.operator_id = received.operator_id and claims.filed_technology = received.technology
            order by term, operator_id, technology, row
            """
        )
    by_address = reader.lake("operator_address_availability", of_date)
    if by_address:
        # Of the addresses of a settlement the best stands, and how many there are.
        found += reader.query(
            f"""
            select claims.settlement_kato as term, claims.operator_id, claims.filed_technology as technology,
                max(received.connection_level) as connection_level,
                max(received.max_download_mbps) as max_download_mbps,
                max(received.max_upload_mbps) as max_upload_mbps,
                count(*) filter (received.connection_level >= 2) as households_passed, received.extract_id,
                any_value(received.source_sheet) as sheet,
                min_by(received.source_row, {{'level': -received.connection_level, 'row': received.source_row}}) as row,
                count(*) as rows
            from ({wanted}) as claims
            inner join {by_address} as received
                on claims.settlement_kato = received.settlement_kato and claims.operator_id = received.operator_id
                and claims.filed_technology = received.technology
            inner join meta_extract as extracts
                on received.extract_id = extracts.extract_id and received.as_of_date = extracts.as_of_date
            group by claims.settlement_kato, claims.operator_id, claims.filed_technology, received.extract_id
            order by term, operator_id, technology, received.extract_id
            """
        )
        # A filing by address stands before one by settlement; both may have reached the lake.
        keys = {(row["term"], row["operator_id"], row["technology"]) for row in found if row["rows"] > 1}
        found = [
            row
            for row in found
            if row["rows"] > 1 or (row["term"], row["operator_id"], row["technology"]) not in keys
        ]
    return _with_files(reader, found)


def _census_rows(reader: ReleaseReader, figure: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The rows that give the people or households of the area itself, and of each settlement."""
    date = figure["denominator_as_of"]
    relation = reader.lake(kind, f"as_of_date = date '{date}'") if date else None
    if not relation:
        return []
    found = reader.query(
        f"""
        select received.kato as term, received.area_type, received.{kind} as value, received.extract_id,
            received.source_sheet as sheet, received.source_row as row
        from {relation} as received
        left join explained_terms as terms on received.kato = terms.term
        where received.as_of_date = date '{date}'
            and (
                (received.kato = ? and received.area_type = ?)
                or (terms.term is not null and received.area_type = 'all')
            )
        order by (received.kato = ?) desc, term, received.area_type, received.extract_id, row
        """,
        [figure["kato"], figure["area_type"], figure["kato"]],
    )
    return _with_files(reader, found)


def _plan_rows(reader: ReleaseReader) -> list[dict[str, Any]]:
    """Rows of the latest rural connection plan that make the terms villages of the programme."""
    latest = (
        "as_of_date = (select max(as_of_date) from meta_extract "
        "where is_current and extract_kind = 'rural_connection_plan')"
    )
    relation = reader.lake("rural_connection_plan", latest)
    if not relation:
        return []
    found = reader.query(
        f"""
        select received.settlement_kato as term, 'village of the plan' as what, received.technology,
            received.planned_date, received.actual_date, received.extract_id, received.source_sheet as sheet,
            received.source_row as row
        from {relation} as received
        inner join explained_terms as terms on received.settlement_kato = terms.term
        order by term, technology, row
        """
    )
    return _with_files(reader, found)


def _with_files(reader: ReleaseReader, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with file, sender and SHA-256 of their delivery."""
    files = {
        row["extract_id"]: {name: row[name] for name in ("file_name", "sender", "sha256")}
        for row in reader.query("select extract_id, file_name, sender, sha256 from meta_extract")
    }
    return [{**row, **files.get(row["extract_id"], {})} for row in rows]


_PLACE_IN_FILE = "extract_id, source_sheet as sheet, source_row as row"


def _latest_rows(
    reader: ReleaseReader, figure: Mapping[str, Any], kind: str, key: str, columns: str
) -> list[dict[str, Any]]:
    """Of the rows of one kind filed up to the figure's date the last of each `key`, which is the term."""
    return _filed_rows(
        reader,
        kind,
        f"as_of_date <= date '{figure['as_of_date']}'",
        f"select {key} as term, {columns}, as_of_date, {_PLACE_IN_FILE} from {{rows}} "
        f"qualify row_number() over (partition by {key} order by as_of_date desc, extract_id, source_row) = 1 "
        "order by term",
    )


def _filed_rows(reader: ReleaseReader, kind: str, extracts: str, sql: str) -> list[dict[str, Any]]:
    """Rows of the deliveries of one kind, told by `sql` over the relation `{rows}`; none without rows in the lake."""
    relation = reader.lake(kind, extracts)
    if not relation:
        return []
    return _with_files(reader, reader.query(sql.replace("{rows}", relation)))


def _coverage_area_rows(
    reader: ReleaseReader, figure: Mapping[str, Any], environment: str
) -> list[dict[str, Any]]:
    """Areas that operators filed for the date, for the technology of the figure or a better one."""
    relation = reader.lake("operator_coverage_areas", f"as_of_date = date '{figure['as_of_date']}'")
    if not relation:
        return []
    found = reader.query(
        f"""
        select 'area ' || received.area_id as term, received.operator_id, received.technology, received.environment,
            received.area_km2, received.extract_id, received.source_sheet as sheet, received.source_row as row
        from {relation} as received
        inner join dim_technology as filed on received.technology = filed.technology
        inner join dim_technology as asked on asked.technology = ? and filed.family = asked.family
            and filed.rank >= asked.rank
        where received.environment = ?
        order by received.operator_id, received.area_id, row
        """,
        [figure["technology"], environment],
    )
    return _with_files(reader, found)


def _highway_terms(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    part = "longest_gap_km" if figure["metric_id"] == "highway_longest_gap_km" else "km_covered"
    terms = reader.query(
        f"""
        select road_id as term, road_name as name, coalesce({part}, 0) > 0 as is_counted, {part} as numerator,
            road_length_km as denominator
        from fct_highway_coverage
        where as_of_date = ? and technology = ? and operator_id = 'any' and not starts_with(road_id, 'all')
        order by coalesce({part}, 0) desc, term
        """,
        [figure["as_of_date"], figure["technology"]],
    )
    if part == "longest_gap_km":
        for term in terms:  # of gaps the longest counts, not their sum
            term["is_counted"], term["denominator"] = term["numerator"] == figure["value"], None
    roads = _latest_rows(
        reader, figure, "highways", "road_id", "road_name as what, road_class, official_length_km"
    )
    return terms, [*roads, *_coverage_area_rows(reader, figure, "in_vehicle")], []


def _urban_terms(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    parts = {
        "urban_5g_area_pct": ("area_covered_km2", "area_km2"),
        "urban_5g_population_pct": ("population_covered", "population"),
        "urban_5g_cities": ("cities_with_5g", "cities"),
    }
    numerator, denominator = parts[figure["metric_id"]]
    terms = reader.query(
        f"""
        select city_kato as term, city_name_ru as name, coalesce({numerator}, 0) > 0 as is_counted,
            {numerator}::double as numerator, {denominator}::double as denominator
        from fct_urban_5g
        where as_of_date = ? and operator_id = 'any' and city_kato <> 'all' and is_5g_programme
        order by coalesce({numerator}, 0) desc, term
        """,
        [figure["as_of_date"]],
    )
    cities = _latest_rows(
        reader, figure, "urban_areas", "city_kato", "'outline of the city' as what, official_area_km2"
    )
    return terms, [*cities, *_coverage_area_rows(reader, figure, "outdoor")], []


def _fibre_terms(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    parts = {
        "fibre_villages": "1", "fibre_households_passed": "received.households_passed",
        "fibre_households_orderable": "received.households_orderable",
        "fibre_households_connected": "received.households_connected", "fibre_people": "counts.population",
    }  # fmt: skip
    date = f"date '{figure['as_of_date']}'"
    relation = reader.lake("rural_connection_plan", f"as_of_date = {date}")
    part = parts.get(figure["metric_id"])
    if not relation or part is None:
        reader.notes.append(_NO_TERMS)
        return [], [], []
    found = reader.query(
        f"""
        select received.settlement_kato as term, places.name_ru as name,
            coalesce(received.actual_date <= {date}, false) as is_counted,
            case when received.actual_date <= {date} then ({part})::double end as numerator,
            null::double as denominator, received.contractor, received.planned_date, received.actual_date,
            received.households_passed, received.households_orderable, received.households_connected,
            received.extract_id, received.source_sheet as sheet, received.source_row as row
        from {relation} as received
        inner join dim_settlement as places on received.settlement_kato = places.settlement_kato
        left join fct_settlement_population as counts
            on received.settlement_kato = counts.settlement_kato and counts.as_of_date = {date}
        where received.technology = 'fttp' and {_in_area(figure, "places")}
        order by coalesce(numerator, 0) desc, term
        """
    )
    of_terms = ("term", "name", "is_counted", "numerator", "denominator")
    terms = [{name: row[name] for name in of_terms} for row in found]
    rows = [{name: value for name, value in row.items() if name not in of_terms[1:]} for row in found]
    return terms, _with_files(reader, rows), []


def _milestone_terms(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    terms = reader.query(
        """
        select project_id || '.' || milestone_id as term, milestone_name as name, true as is_counted,
            slippage_days::double as numerator, null::double as denominator, first_planned_date, planned_date,
            forecast_date, actual_date, expected_date, filed_as_of
        from fct_milestone where as_of_date = ? and project_id || '.' || milestone_id = ?
        """,
        [figure["as_of_date"], figure["technology"]],
    )
    rows = _filed_rows(
        reader,
        "infrastructure_milestones",
        f"as_of_date <= date '{figure['as_of_date']}'",
        "select project_id || '.' || milestone_id as term, as_of_date, planned_date, forecast_date, actual_date, "
        "evidence, status, extract_id, source_sheet as sheet, source_row as row from {rows} "
        f"where project_id || '.' || milestone_id = {text_literal(figure['technology'])} order by as_of_date desc, row",
    )
    return terms, rows, []


def _satellite_terms(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    part = {
        "satellites_contracted": "satellites_contracted", "satellites_delivered": "satellites_delivered",
        "satellite_revenue_contracted_usd": "contracted_revenue_usd",
        "satellite_revenue_received_usd": "received_revenue_usd",
    }[figure["metric_id"]]  # fmt: skip
    terms = reader.query(
        f"""
        select contract_id as term, buyer_country || ', ' || contract_status as name,
            coalesce({part}, 0) <> 0 as is_counted, {part}::double as numerator, null::double as denominator,
            filed_as_of
        from fct_satellite_export where as_of_date = ? and contract_id <> 'all'
        order by coalesce({part}, 0) desc, term
        """,
        [figure["as_of_date"]],
    )
    rows = _latest_rows(
        reader,
        figure,
        "satellite_exports",
        "contract_id",
        "status, satellites_contracted, satellites_delivered, contracted_revenue, received_revenue, currency, usd_rate",
    )
    return terms, rows, []


def _system_terms(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    date = f"date '{figure['as_of_date']}'"
    relation = reader.lake("government_systems", f"as_of_date = {date}")
    if not relation:
        reader.notes.append(_NO_TERMS)
        return [], [], []
    exempt = "" if figure["technology"] == "all_new" else "and not (platform <> 'qaztech' and is_exempt = 1)"
    found = reader.query(
        f"""
        select system_id as term, agency || ': ' || system_name_ru as name, platform = 'qaztech' as is_counted,
            (platform = 'qaztech')::int::double as numerator, 1::double as denominator, approval_date, platform,
            is_exempt = 1 as is_exempt, exemption_reason, extract_id, source_sheet as sheet, source_row as row
        from {relation}
        where approval_date >= (select max(rule_valid_from) from fct_government_system where as_of_date = {date})
            {exempt}
            and system_id not in (
                select system_id from fct_government_system_exception
                where as_of_date = {date} and duplicate_of_system_id is not null
            )
        order by numerator desc, term
        """
    )
    of_terms = ("term", "name", "is_counted", "numerator", "denominator")
    terms = [{name: row[name] for name in of_terms} for row in found]
    rows = [{name: value for name, value in row.items() if name not in of_terms[1:]} for row in found]
    return terms, _with_files(reader, rows), []


def _census_terms(reader: ReleaseReader, figure: Mapping[str, Any]) -> _Parts:
    """People or households as the census publishes them: the rows of the place itself."""
    kind = figure["metric_id"]
    reader.connection.execute("create or replace temp table explained_terms (term varchar)")
    rows = _census_rows(reader, {**figure, "denominator_as_of": figure["as_of_date"]}, kind)
    if not rows:
        reader.notes.append("no row states this place itself: the figure is the sum of its parts")
    return [], [], rows


_FAMILIES: dict[str, Callable[[ReleaseReader, Mapping[str, Any]], _Parts]] = {
    **dict.fromkeys(("highway_km_covered", "highway_covered_pct", "highway_longest_gap_km"), _highway_terms),
    **dict.fromkeys(("urban_5g_area_pct", "urban_5g_population_pct", "urban_5g_cities"), _urban_terms),
    **dict.fromkeys(
        (
            "fibre_villages", "fibre_households_passed", "fibre_households_orderable", "fibre_households_connected",
            "fibre_people",
        ),
        _fibre_terms,
    ),
    "milestone_slippage_days": _milestone_terms,
    **dict.fromkeys(
        (
            "satellites_contracted", "satellites_delivered", "satellite_revenue_contracted_usd",
            "satellite_revenue_received_usd",
        ),
        _satellite_terms,
    ),
    "government_systems_qaztech_pct": _system_terms,
    "population": _census_terms,
    "households": _census_terms,
}  # fmt: skip
