-- Every landed file is in the inventory once.
{{ config(meta={'dagster': {'ref': {'name': 'media_inventory'}}}) }}
with

counted as (select coalesce(sum(file_count), 0) as files from {{ ref('media_inventory') }}),

landed as (select count(*) as files from {{ ref('stg_raw_media') }})

select counted.files as counted, landed.files as landed
from counted, landed
where counted.files != landed.files
