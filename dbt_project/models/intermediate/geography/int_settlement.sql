with latest_plan as (
    select max(as_of_date) as as_of_date
    from {{ ref('stg_rural_connection_plan') }}
),

planned as (
    select distinct plan.settlement_kato
    from {{ ref('stg_rural_connection_plan') }} as plan
    inner join latest_plan on plan.as_of_date = latest_plan.as_of_date
),

ranked_positions as (
    select
        settlement_kato,
        place_id,
        latitude,
        longitude,
        h3_cell,
        max(population) over (partition by settlement_kato) as population,
        -- A code that a source files says more than one told by a name.
        row_number() over (
            partition by settlement_kato
            order by case when code_from = 'filed' then 0 else 1 end, coalesce(population, -1) desc, place_id asc
        ) as preference
    from {{ ref('int_place_position') }}
    where settlement_kato is not null
),

code_changes as (
    select
        current_kato,
        max(effective_from) as effective_from
    from {{ ref('stg_kato_change') }}
    where current_kato <> retired_kato
    group by current_kato
),

places as (
    select
        kato,
        level,
        region_kato,
        district_kato,
        type_code,
        name_ru,
        name_kk,
        name_en,
        level = 'settlement' and type_code = '1' and (name_ru like 'район %' or name_ru like '% район')
            as is_city_district,
        level = 'republican_city'
        or (name_ru like 'г.%' and name_ru not like 'г.а.%')
            as is_city
    from {{ ref('int_place') }}
),

settlements as (
    select
        kato,
        level,
        region_kato,
        district_kato,
        name_ru,
        name_kk,
        name_en,
        is_city_district,
        case
            when is_city or is_city_district then 'city'
            when name_ru like 'п.%' then 'town'
            else 'village'
        end as settlement_type,
        not (is_city or is_city_district) and coalesce(type_code, '2') = '2' as is_rural
    from places
    where level = 'settlement' or level = 'republican_city' or (level = 'sub_district' and is_city)
)

select
    settlements.kato as settlement_kato,
    settlements.name_ru,
    settlements.name_kk,
    settlements.name_en,
    settlements.settlement_type,
    settlements.level as kato_level,
    settlements.is_rural,
    settlements.is_city_district,
    case
        when latest_plan.as_of_date is not null then planned.settlement_kato is not null
        else settlements.is_rural and settlements.level = 'settlement' and substr(settlements.kato, 8, 2) = '00'
    end as is_programme,
    settlements.region_kato,
    settlements.district_kato,
    ranked_positions.place_id,
    ranked_positions.latitude,
    ranked_positions.longitude,
    ranked_positions.h3_cell,
    ranked_positions.population as position_population,
    code_changes.effective_from as valid_from
from settlements
cross join latest_plan
left join planned on settlements.kato = planned.settlement_kato
left join ranked_positions on settlements.kato = ranked_positions.settlement_kato and ranked_positions.preference = 1
left join code_changes on settlements.kato = code_changes.current_kato
