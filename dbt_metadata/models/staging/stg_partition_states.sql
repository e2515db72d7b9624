select
    source || '@' || day as partition,
    source,
    day,
    file_count,
    size_bytes,
    latest_at,
    is_behind,
    why
from {{ source('lake', 'partition_states') }}
