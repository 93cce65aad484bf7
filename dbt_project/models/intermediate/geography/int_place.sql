with latest as (
    select max(edition) as edition
    from {{ ref('stg_kato_edition') }}
),

coded as (
    select
        editions.kato,
        editions.edition,
        case
            when substr(editions.kato, 3, 7) = '0000000' and substr(editions.kato, 1, 2) > '70' then 'republican_city'
            when substr(editions.kato, 3, 7) = '0000000' then 'oblast'
            when substr(editions.kato, 5, 5) = '00000' then 'district'
            when substr(editions.kato, 7, 3) = '000' then 'sub_district'
            else 'settlement'
        end as level,
        substr(editions.kato, 1, 2) || '0000000' as region_kato,
        case
            when substr(editions.kato, 1, 2) > '70' then substr(editions.kato, 1, 2) || '0000000'
            when substr(editions.kato, 3, 2) <> '00' then substr(editions.kato, 1, 4) || '00000'
        end as district_kato,
        substr(editions.kato, 1, 6) || '000' as sub_district_kato,
        editions.type_code,
        editions.name_ru,
        editions.name_kk
    from {{ ref('stg_kato_edition') }} as editions
    inner join latest on editions.edition = latest.edition
    -- The nation has a code of its own but is no place in the classifier.
    where editions.kato <> '000000000'
),

named as (
    select
        kato,
        edition,
        level,
        region_kato,
        district_kato,
        sub_district_kato,
        type_code,
        name_ru,
        name_kk,
        {{ plain_name_ru('name_ru') }} as plain_name_ru,
        {{ plain_name_kk('name_kk') }} as plain_name_kk
    from coded
),

spelled as (
    select
        kato,
        edition,
        level,
        region_kato,
        district_kato,
        sub_district_kato,
        type_code,
        name_ru,
        name_kk,
        plain_name_ru,
        plain_name_kk,
        {{ spelled_out('coalesce(plain_name_kk, plain_name_ru)', capitals=true) }} as capitals_spelled_out
    from named
),

latin as (
    select
        kato,
        edition,
        level,
        region_kato,
        district_kato,
        sub_district_kato,
        type_code,
        name_ru,
        name_kk,
        plain_name_ru,
        plain_name_kk,
        {{ spelled_out('capitals_spelled_out', capitals=false) }} as name_spelled_out
    from spelled
)

select
    kato,
    edition,
    level,
    region_kato,
    district_kato,
    case
        when level in ('oblast', 'republican_city') then '000000000'
        when level = 'district' then region_kato
        -- Places that lie directly in a district, without a rural district or town between.
        when level = 'settlement' and substr(sub_district_kato, 5, 2) <> '00' then sub_district_kato
        else district_kato
    end as parent_kato,
    type_code,
    name_ru,
    name_kk,
    plain_name_ru,
    plain_name_kk,
    {{ romanised('name_spelled_out') }} as name_en
from latin
