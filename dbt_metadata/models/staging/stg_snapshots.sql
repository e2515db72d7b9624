select
    request_id,
    snapshot_id,
    model,
    media_count,
    item_count,
    cause,
    asked_by,
    asked_at
from {{ source('lake', 'snapshots') }}
