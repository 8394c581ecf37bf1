"""A year, day by day: what lands, the daily run, the weekly mail and the alerts, by a clock that is set.

`exports` says what lands on which day, `clock` tells everything of Tieout and of Dagster what day it is, `days` runs
them, and `findings` says what a year must not come to. What is run is what the service runs: the jobs of the
definitions on the Dagster instance of the workspace, when its schedules ask for them, with a real mail server.
"""
