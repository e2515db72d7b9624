select
    media_id,
    source,
    day,
    status,
    frames_decoded,
    frames_lost,
    share_lost,
    black_s,
    frozen_s,
    duration_s,
    sample_count,
    shot_count
from {{ source('lake', 'decodings') }}
