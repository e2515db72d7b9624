select
    table_name,
    partition,
    row_count,
    file_count,
    size_bytes,
    written_at
from {{ source('lake', 'table_partitions') }}
