select
    reference_id,
    model,
    version,
    model || '/' || version as model_id,
    source_name as of_source,
    feature
from {{ source('lake', 'reference_profiles') }}
