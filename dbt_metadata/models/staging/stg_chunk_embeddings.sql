select
    chunk_id,
    media_id,
    source,
    day,
    encoder,
    encoder_version
from {{ source('lake', 'chunk_embeddings') }}
