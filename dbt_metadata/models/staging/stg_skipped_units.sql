select
    table_name,
    partition,
    unit,
    reason,
    message,
    seconds
from {{ source('lake', 'skipped_units') }}
