select
    frame_id || ' by ' || model_version as prediction_id,
    frame_id,
    media_id,
    source,
    day,
    model_version,
    label,
    confidence
from {{ source('lake', 'predictions') }}
