select
    moment_id,
    media_id,
    source,
    day,
    start_s,
    end_s,
    key_frame_id
from {{ source('lake', 'moments') }}
