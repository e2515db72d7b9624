select
    source || '/' || path as file_id,
    source,
    day,
    size_bytes,
    landed_at,
    recorded_at
from {{ source('lake', 'arrivals') }}
-- the latest statement of a path holds
qualify row_number() over (partition by source, path order by recorded_at desc) = 1
