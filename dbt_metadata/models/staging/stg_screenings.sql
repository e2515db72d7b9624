select
    media_id,
    source,
    day,
    "partition",
    kind,
    verdict,
    policy,
    findings
from {{ source('lake', 'screenings') }}
