"""The partition of everything that a night makes: its date."""

from dagster import DailyPartitionsDefinition

# `end_offset` makes the partition of today exist while today still runs: the night of a date starts before it is over.
NIGHTS = DailyPartitionsDefinition(start_date="2015-01-01", end_offset=1)
