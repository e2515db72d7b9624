-- What the platform holds: files by source, day, kind and verdict, with what was made of them.
with

{% for table in ('frames', 'moments', 'optical_flows', 'text_chunks', 'predictions') %}
{{ table }} as (
    select source, day, media_id, count(*) as made
    from {{ ref('stg_' ~ table) }}
    group by all
),
{% endfor %}

labels as (
    select item_id, count(*) as made
    from {{ ref('stg_labels') }}
    group by all
)

select
    concat_ws('/', file.source, file.day, file.kind, file.status, coalesce(file.reason, '')) as inventory_id,
    file.source,
    file.day,
    file.kind,
    file.status,
    file.reason,
    count(*) as file_count,
    sum(file.size_bytes)::bigint as size_bytes,
    coalesce(sum(file.duration_s), 0) as duration_s,
    min(file.captured_at) as first_captured_at,
    max(file.captured_at) as last_captured_at,
    max(file.landed_at) as last_landed_at,
    coalesce(sum(frames.made), 0)::bigint as frame_count,
    coalesce(sum(moments.made), 0)::bigint as moment_count,
    coalesce(sum(optical_flows.made), 0)::bigint as flow_count,
    coalesce(sum(text_chunks.made), 0)::bigint as chunk_count,
    coalesce(sum(labels.made), 0)::bigint as label_count,
    coalesce(sum(predictions.made), 0)::bigint as prediction_count
from {{ ref('stg_raw_media') }} as file
-- rows are made of accepted media only: a duplicate has the same media_id and none of the rows
{% for table in ('frames', 'moments', 'optical_flows', 'text_chunks', 'predictions') %}
left join {{ table }}
    on {{ table }}.media_id = file.accepted_media_id
    and {{ table }}.source = file.source
    and {{ table }}.day = file.day
{% endfor %}
left join labels on labels.item_id = file.file_id
group by all
