select
    source || '/' || path as file_id,
    source,
    day,
    path,
    media_id,
    case when status = 'accepted' then media_id end as accepted_media_id,
    kind,
    status,
    reason,
    size_bytes,
    duration_s,
    captured_at,
    captured_at_from,
    landed_at,
    device,
    sidecar_problem is not null as has_sidecar_problem
from {{ source('lake', 'raw_media') }}
