select
    frame_id,
    media_id,
    source,
    day,
    privacy,
    faces,
    plates,
    len(flags) as flag_count
from {{ source('lake', 'sightings') }}
