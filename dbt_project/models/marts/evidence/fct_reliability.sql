select
    as_of_date,
    operator_id,
    geography_level,
    kato,
    technology,
    tests,
    tests_successful,
    reliability_pct,
    reliability_low_pct,
    reliability_high_pct,
    case when reliability_pct is null then 'withheld' else 'published' end as status,
    case
        when reliability_pct is null
            then
                {{ count_text('tests') }} || ' tests, fewer than the '
                || '{{ evidence_limits().min_reliability_tests }} that a share needs'
    end as withheld_reason
from {{ ref('int_reliability') }}
