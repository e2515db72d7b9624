select
    source || '/' || label_id as statement_id,
    source || '/' || path as file_id,
    source || '/' || item_path as item_id,
    source,
    day,
    media_id,
    label,
    origin,
    annotator,
    labelled_at,
    status
from {{ source('lake', 'labels') }}
