select
    media_id,
    source,
    day,
    format,
    language,
    char_count,
    page_count,
    pages_lost
from {{ source('lake', 'documents') }}
