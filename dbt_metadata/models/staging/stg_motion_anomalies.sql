select
    frame_id,
    media_id,
    source,
    day,
    "partition",
    time_s,
    score,
    is_anomaly,
    measure,
    reason
from {{ source('lake', 'motion_anomalies') }}
