"""Schedules: what follows the clock."""

import dagster as dg

from mlops_assets.defs.jobs import maintenance_job

nightly_maintenance_schedule = dg.ScheduleDefinition(
    name="nightly_maintenance_schedule",
    job=maintenance_job,
    cron_schedule="30 2 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
