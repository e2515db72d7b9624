{#- The share of skipped units needs what was made: units with rows, by table. -#}
{%- set units = {
    'raw_media': ('raw_media', 'file_id'),
    'decodings': ('decodings', 'media_id'),
    'frames': ('decodings', 'media_id'),
    'moments': ('decodings', 'media_id'),
    'optical_flows': ('optical_flows', 'frame_id'),
    'motion_anomalies': ('motion_anomalies', 'partition'),
    'sightings': ('sightings', 'frame_id'),
    'screenings': ('screenings', 'partition'),
    'near_duplicates': ('duplicate_histories', 'partition'),
    'duplicate_histories': ('duplicate_histories', 'partition'),
    'documents': ('documents', 'media_id'),
    'text_chunks': ('text_chunks', 'media_id'),
    'frame_embeddings': ('frame_embeddings', 'frame_id'),
    'chunk_embeddings': ('chunk_embeddings', 'chunk_id'),
    'labels': ('labels', 'file_id'),
    'predictions': ('predictions', 'frame_id'),
    'drift_profiles': ('drift_profiles', 'partition'),
    'drift_verdicts': ('drift_verdicts', 'profile_id'),
    'snapshots': ('snapshots', 'request_id'),
    'models': ('models', 'request_id'),
    'reference_profiles': ('models', 'request_id'),
} -%}
-- How the platform is: one row per measured fact. `part` says of what share of the subject.
with

tables as (
    {% for table in units %}
    select '{{ table }}' as table_name
    union
    {% endfor %}
    select table_name from {{ ref('stg_table_partitions') }}
),

written as (
    select
        tables.table_name,
        coalesce(sum(part.row_count), 0) as row_count,
        count(part.partition) as partition_count,
        coalesce(sum(part.file_count), 0) as file_count,
        coalesce(sum(part.size_bytes), 0) as size_bytes,
        max(part.written_at) as written_at
    from tables
    left join {{ ref('stg_table_partitions') }} as part using (table_name)
    group by all
),

made as (
    {% for table, (model, unit) in units.items() %}
    select '{{ table }}' as table_name, count(distinct {{ unit }}) as made
    from {{ ref('stg_' ~ model) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

shares as (
    select
        made.table_name,
        coalesce(count(skip.unit) / nullif(count(skip.unit) + made.made, 0), 0) as share
    from made
    left join {{ ref('stg_skipped_units') }} as skip
        on skip.table_name = made.table_name
        and skip.reason != 'empty' -- had nothing to give, which is no failure
    group by made.table_name, made.made
),

champions as (
    select model, model_id, version, accuracy, decided_at
    from {{ ref('stg_models') }}
    where is_promoted
    qualify row_number() over (partition by model order by decided_at desc) = 1
),

facts as (
    select table_name as subject, 'rows' as metric, null as part, row_count::double as value,
        null as said, written_at as fact_at
    from written

    union all
    select table_name, 'partitions', null, partition_count, null, null from written

    union all
    select table_name, 'files', null, file_count, null, null from written

    union all
    select table_name, 'bytes', null, size_bytes, null, null from written

    union all
    select table_name, 'skipped', reason, count(*), min(message), null
    from {{ ref('stg_skipped_units') }}
    group by table_name, reason

    union all
    select table_name, 'skipped_share', null, share, null, null from shares

    union all
    select 'arrivals', 'files', source, count(*), null, max(landed_at)
    from {{ ref('stg_arrivals') }}
    group by source

    union all
    select 'arrivals', 'partitions', null, count(*), null, max(latest_at)
    from {{ ref('stg_partition_states') }}

    union all
    select 'arrivals', 'partitions_behind', null, count(*) filter (is_behind), null,
        min(latest_at) filter (is_behind)
    from {{ ref('stg_partition_states') }}

    union all
    select 'raw_media', 'verdicts', concat_ws(': ', status, reason), count(*), null, max(landed_at)
    from {{ ref('stg_raw_media') }}
    group by status, reason

    union all
    select 'labels', 'without_item', null, count(*), null, null
    from {{ ref('stg_labels') }} as label
    anti join {{ ref('stg_raw_media') }} as file on file.file_id = label.item_id

    union all
    select 'drift_verdicts', 'verdicts', severity, count(*), null, null
    from {{ ref('stg_drift_verdicts') }}
    group by severity

    union all
    select 'screenings', 'verdicts', verdict, count(*), null, null
    from {{ ref('stg_screenings') }}
    group by verdict

    union all
    select 'screenings', 'policies', policy, count(*), null, null
    from {{ ref('stg_screenings') }}
    group by policy

    union all
    select 'screenings', 'findings', finding, count(*), null, null
    from (select unnest(findings) as finding from {{ ref('stg_screenings') }})
    group by finding

    union all
    select 'near_duplicates', 'media', source, count(distinct media_id), null, null
    from {{ ref('stg_near_duplicates') }}
    group by source

    union all
    select 'motion_anomalies', 'anomalies', source, count(*) filter (is_anomaly), null, null
    from {{ ref('stg_motion_anomalies') }}
    group by source

    union all
    select 'models', 'champion', model, version, model_id, decided_at from champions

    union all
    select 'models', 'champion_accuracy', model, accuracy, model_id, decided_at from champions

    union all
    select 'models', 'refused', model, count(*) filter (not is_promoted), null, max(decided_at)
    from {{ ref('stg_models') }}
    group by model

    union all
    select 'predictions', 'by_model', model_version, count(*), null, null
    from {{ ref('stg_predictions') }}
    group by model_version
)

select
    concat_ws('/', subject, metric, part) as fact_id,
    subject,
    metric,
    part,
    value,
    said,
    fact_at
from facts
