select
    profile_id,
    partition,
    source,
    day,
    feature,
    count as value_count,
    missing as missing_count,
    media_count
from {{ source('lake', 'drift_profiles') }}
