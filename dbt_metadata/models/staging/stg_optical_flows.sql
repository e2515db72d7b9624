select
    frame_id,
    media_id,
    source,
    day,
    method,
    preset,
    backend,
    mean_diag_per_s,
    static_share
from {{ source('lake', 'optical_flows') }}
