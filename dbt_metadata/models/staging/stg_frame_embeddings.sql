select
    frame_id,
    media_id,
    source,
    day,
    encoder,
    encoder_version
from {{ source('lake', 'frame_embeddings') }}
