select
    "partition",
    source,
    day,
    media_count,
    candidate_count
from {{ source('lake', 'duplicate_histories') }}
