"""Fibre, milestones, satellites and government systems of the small country, and the faults their suite finds."""

from __future__ import annotations

PROGRAMME = """
create table staging.stg_infrastructure_milestone as
select * from (values
    (date '2026-03-31', 'cable', 'laid', date '2026-06-30', null, null, null, 'in_progress'),
    (date '2026-06-30', 'cable', 'laid', date '2026-06-30', date '2026-08-31', null, null, 'in_progress'),
    (date '2026-03-31', 'cable', 'made', date '2025-12-31', null, date '2026-02-20', 'act 9', 'completed'),
    (date '2026-06-30', 'cable', 'made', date '2025-12-31', null, date '2026-02-20', 'act 9', 'completed'),
    (date '2026-03-31', 'cable', 'landed', date '2026-09-30', null, null, null, 'planned'),
    (date '2026-06-30', 'cable', 'landed', date '2026-10-31', date '2026-10-31', null, null, 'planned')
) as t (as_of_date, project_id, milestone_id, planned_date, forecast_date, actual_date, evidence, status);
create table intermediate.int_milestone as
select
    as_of_date, project_id, milestone_id, status as milestone_status, actual_date, evidence, as_of_date as filed_as_of
from staging.stg_infrastructure_milestone;
create table intermediate.int_satellite_export as
select *, as_of_date as filed_as_of from (values
    (date '2026-03-31', 'a', 2, 1, 'KZT', 500.0, date '2026-03-31', 10e9, 5e9, 20e6, 10e6),
    (date '2026-03-31', 'b', 1, 0, 'USD', 1.0, null, 12e6, 3e6, 12e6, 3e6),
    (date '2026-03-31', 'c', 0, 0, 'KZT', 500.0, date '2026-03-31', 2e9, 0, 0, 0),
    (date '2026-06-30', 'a', 2, 2, 'KZT', 510.0, date '2026-06-30', 10e9, 10e9, 19.6e6, 19.6e6),
    (date '2026-06-30', 'b', 1, 0, 'USD', 1.0, null, 12e6, 3e6, 12e6, 3e6),
    (date '2026-06-30', 'c', 0, 0, 'KZT', 510.0, date '2026-06-30', 2e9, 0, 0, 0)
) as t (
    as_of_date, contract_id, satellites_contracted, satellites_delivered, currency, usd_rate, usd_rate_date,
    contracted_revenue, received_revenue, contracted_revenue_usd, received_revenue_usd
);
create table marts.fct_satellite_export as
select
    as_of_date, contract_id, satellites_contracted, satellites_delivered, contracted_revenue_usd, received_revenue_usd
from intermediate.int_satellite_export
union all
select
    as_of_date, 'all', sum(satellites_contracted), sum(satellites_delivered), sum(contracted_revenue_usd),
    sum(received_revenue_usd)
from intermediate.int_satellite_export
group by as_of_date;
create table staging.stg_government_system as
select filings.as_of_date, systems.* from (values
    ('S1', 'Agency', 'ИС «Реестр лицензий»'), ('S2', 'Agency', 'ИС «Реестр лицензий 2.0»'),
    ('S3', 'Other agency', 'ИС «Реестр лицензий»'), ('S4', 'Agency', 'ИС «Учёт»'), ('S5', 'Agency', 'ИС «Учет К»')
) as systems (system_id, agency, system_name_ru)
cross join (values (date '2026-03-31'), (date '2026-06-30')) as filings (as_of_date);
create table marts.fct_government_system as
select
    date '2026-06-30' as as_of_date, agency, 'since_rule' as scope, date '2026-06-30' as approval_quarter, systems,
    on_qaztech as systems_on_qaztech, exempt as systems_exempt, systems - on_qaztech - exempt as systems_unexplained,
    on_qaztech * 100.0e0 / systems as systems_on_qaztech_pct,
    on_qaztech * 100.0e0 / (systems - exempt) as systems_on_qaztech_unexempt_pct
from (values ('all', 10, 7, 2), ('Agency', 6, 5, 0), ('Other agency', 4, 2, 2))
    as t (agency, systems, on_qaztech, exempt);
create table marts.fct_fibre_rollout as
select date '2025-12-31' as as_of_date, * from (values
    ('national', '000000000', 'all', 90, 60, 58, 600, 500, 300, 9000),
    ('national', '000000000', 'One', 60, 40, 38, 400, 350, 200, 6000),
    ('national', '000000000', 'Two', 30, 20, 20, 200, 150, 100, 3000),
    ('region', '100000000', 'all', 50, 30, 30, 300, 250, 150, 5000),
    ('region', '100000000', 'One', 50, 30, 30, 300, 250, 150, 5000),
    ('region', '110000000', 'all', 40, 30, 28, 300, 250, 150, 4000),
    ('region', '110000000', 'One', 10, 10, 8, 100, 100, 50, 1000),
    ('region', '110000000', 'Two', 30, 20, 20, 200, 150, 100, 3000),
    ('district', '101000000', 'all', 50, 30, 30, 300, 250, 150, 5000),
    ('district', '101000000', 'One', 50, 30, 30, 300, 250, 150, 5000),
    ('district', '111000000', 'all', 40, 30, 28, 300, 250, 150, 4000),
    ('district', '111000000', 'One', 10, 10, 8, 100, 100, 50, 1000),
    ('district', '111000000', 'Two', 30, 20, 20, 200, 150, 100, 3000)
) as t (
    geography_level, kato, contractor, villages, villages_connected, villages_confirmed, households_passed,
    households_orderable, households_connected, people_connected
);
"""

_MILESTONES, _FILED = "intermediate.int_milestone", "staging.stg_infrastructure_milestone"
_CONTRACTS, _EXPORTS = "intermediate.int_satellite_export", "marts.fct_satellite_export"
_SYSTEMS, _SHARES = "staging.stg_government_system", "marts.fct_government_system"
_FIBRE = "marts.fct_fibre_rollout"
_LATEST = "as_of_date = date '2026-06-30'"

PROGRAMME_FAULTS: dict[str, dict[str, str]] = {
    "programme.milestones_do_not_move_silently": {
        "no forecast": f"update {_FILED} set forecast_date = null where milestone_id = 'landed' and {_LATEST}",
        "the old forecast": (
            f"update {_FILED} set planned_date = date '2026-08-31', forecast_date = date '2026-08-31' "
            "where milestone_id = 'laid'; "
            f"update {_FILED} set planned_date = date '2026-06-30' where milestone_id = 'laid' and not {_LATEST}"
        ),
        "after the fact": f"update {_FILED} set planned_date = actual_date where milestone_id = 'made' and {_LATEST}",
    },
    "programme.reached_milestones_have_evidence": {
        "no evidence": f"update {_MILESTONES} set evidence = null where milestone_id = 'made'",
        "no date": f"update {_MILESTONES} set actual_date = null where milestone_id = 'made'",
        "a date to come": f"update {_MILESTONES} set actual_date = date '2027-01-01' where milestone_id = 'made'",
        "not completed": f"update {_MILESTONES} set milestone_status = 'planned' where milestone_id = 'made'",
    },
    "programme.milestones_stay_filed": {
        "left out": f"update {_MILESTONES} set filed_as_of = date '2026-03-31' where {_LATEST}",
    },
    "programme.contracts_stay_filed": {
        "left out": f"update {_CONTRACTS} set filed_as_of = date '2026-03-31' where contract_id = 'a' and {_LATEST}",
    },
    "programme.exchange_rates_do_not_jump": {
        "turned round": f"update {_CONTRACTS} set usd_rate = 1 / usd_rate where currency = 'KZT' and {_LATEST}",
        "a decimal mark": f"update {_CONTRACTS} set usd_rate = 51 where currency = 'KZT' and {_LATEST}",
    },
    "programme.rates_of_one_day_agree": {
        "one contract": f"update {_CONTRACTS} set usd_rate = 480 where contract_id = 'a' and {_LATEST}",
    },
    "programme.satellites_have_a_price": {
        "thousands": f"update {_CONTRACTS} set contracted_revenue_usd = 20000 where contract_id = 'a'",
        "tenge for dollars": f"update {_CONTRACTS} set contracted_revenue_usd = 10e9 where contract_id = 'a'",
    },
    "programme.received_within_contract": {
        "more than the price": f"update {_CONTRACTS} set received_revenue = 13e6 where contract_id = 'b'",
    },
    "programme.satellite_totals_are_sums": {
        "a satellite more": f"update {_EXPORTS} set satellites_contracted = 4 where contract_id = 'all'",
        "money": f"update {_EXPORTS} set received_revenue_usd = 0 where contract_id = 'a'",
    },
    "programme.systems_are_not_filed_twice": {
        "two ids": f"update {_SYSTEMS} set system_name_ru = 'ИС \"Реестр  лицензий\"' where system_id = 'S4'",
        "a letter": f"update {_SYSTEMS} set system_name_ru = 'ИС «Реестр лецензий»' where system_id = 'S4'",
    },
    "programme.systems_stay_in_the_register": {
        "left out": f"delete from {_SYSTEMS} where system_id = 'S1' and {_LATEST}",
    },
    "programme.government_shares_follow_from_counts": {
        "another share": f"update {_SHARES} set systems_on_qaztech_pct = 100 where agency = 'all'",
        "a system lost": f"update {_SHARES} set systems_exempt = systems_exempt + 1 where agency = 'all'",
        "exemptions in the whole": f"update {_SHARES} set systems_on_qaztech_unexempt_pct = 70 where agency = 'all'",
    },
    "programme.agencies_make_the_whole": {
        "an agency less": f"delete from {_SHARES} where agency = 'Agency'",
    },
    "programme.fibre_parts_make_the_whole": {
        "a region less": f"delete from {_FIBRE} where kato = '100000000'",
        "a district less": f"delete from {_FIBRE} where kato = '111000000'",
        "homes": f"update {_FIBRE} set households_passed = 1 where contractor = 'One' and kato = '110000000'",
        "people": f"update {_FIBRE} set people_connected = 0 where kato = '110000000' and contractor = 'all'",
    },
    "programme.fibre_households_are_nested": {
        "connected": f"update {_FIBRE} set households_connected = households_orderable + 1 where contractor = 'Two'",
        "more orderable": f"update {_FIBRE} set households_orderable = households_passed + 1 where contractor = 'Two'",
    },
    "programme.connected_villages_are_filed_by_operators": {
        "nobody serves them": f"update {_FIBRE} set villages_confirmed = 10 where contractor = 'Two'",
    },
}
