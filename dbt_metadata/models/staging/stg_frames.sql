select
    frame_id,
    media_id,
    source,
    day,
    time_s,
    brightness,
    contrast,
    sharpness,
    next_gap_s is not null as has_successor
from {{ source('lake', 'frames') }}
