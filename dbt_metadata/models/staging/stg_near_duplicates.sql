select
    concat_ws('/', media_id, other_media_id) as pair_id,
    media_id,
    other_media_id,
    group_id,
    source,
    day,
    kind,
    share
from {{ source('lake', 'near_duplicates') }}
