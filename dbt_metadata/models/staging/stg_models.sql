select
    model_id,
    model,
    version,
    request_id,
    snapshot_id,
    train_media,
    held_out_media,
    accuracy,
    macro_f1,
    recent_accuracy,
    champion_before,
    is_promoted,
    reason,
    decided_at
from {{ source('lake', 'models') }}
