select
    profile_id,
    source,
    day,
    feature,
    reference,
    case when starts_with(reference, 'model:') then substr(reference, 7) end as reference_model_id,
    severity,
    measure,
    distance,
    "limit" as distance_limit
from {{ source('lake', 'drift_verdicts') }}
