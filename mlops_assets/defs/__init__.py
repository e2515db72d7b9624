"""Dagster, flat: assets from tables, sensors, jobs, schedules and resources.

Every module here is imported when the code location loads; nothing heavy at the top.
"""
