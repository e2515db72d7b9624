select
    chunk_id,
    media_id,
    source,
    day,
    char_count
from {{ source('lake', 'text_chunks') }}
