"""What a workspace may want otherwise: `settings.yaml`, whose fields have defaults."""

import datetime as dt
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CALL_LOGS = "function_calls"
"""The source of the call logs."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AlertKind(StrEnum):
    """What operators are told of by themselves; a closed gate is told by the notice of its week."""

    PULL = "pull"
    BUILD = "build"
    SEND = "send"
    CALLS = "calls"
    UNUSUAL_DAY = "unusual_day"
    SCHEDULE = "schedule"


class AlertSettings(_Settings):
    """What operators are told of, once each, and when they get the digest of what is open.

    Attributes:
        silent: kinds of alerts that nobody is told of; the digest leaves them out, too.
        digest_hour: of the day in the time zone of the mail; null for no digest.
    """

    silent: tuple[AlertKind, ...] = ()
    digest_hour: int | None = Field(default=8, ge=0, le=23)


class CoverageBounds(_Settings):
    """Between which shares of the bill the call log is said to match it, in percent."""

    least_percent: int = Field(default=80, ge=0, le=100)
    most_percent: int = Field(default=125, ge=100, le=1000)


class WorkspaceSettings(_Settings):
    """`settings.yaml`: what a workspace may want otherwise. The file may be missing, and so may any line of it.

    Attributes:
        settle_hours: how long after its end an hour or a day may still be billed more: the settle buffer.
        log_coverage: the bounds of gate G6.
        unexplained_percent: the most of a bill that no claim explains and a function still takes, in percent of its own
            claims in the pool.
        completeness_margin_percent: gate G8: how many of the calls that Modal counts the call log of a day may lack, or
            have beyond them, in percent.
        usage_engine: what counts container hours from call logs: duckdb on this machine, or Apache Spark.
        call_logs: the folder of the call logs, as Spark names it; without it, that of the landing folder.
        alerts: what operators are told of, and when.
        record_days: how long Dagster's record keeps a run with its events, and a tick.
    """

    settle_hours: int = Field(default=6, ge=1, le=168)
    log_coverage: CoverageBounds = CoverageBounds()
    unexplained_percent: int = Field(default=10, ge=0, le=100)
    completeness_margin_percent: int = Field(default=2, ge=0, le=100)
    usage_engine: Literal["duckdb", "spark"] = "duckdb"
    call_logs: str | None = Field(default=None, min_length=1)
    alerts: AlertSettings = AlertSettings()
    record_days: int = Field(default=90, ge=1, le=3650)

    @property
    def of_figures(self) -> str:
        """What of it moves figures and is not the default, as JSON; alerts move none, nor where logs lie."""
        return self.model_dump_json(exclude_defaults=True, exclude={"alerts", "call_logs", "record_days"})

    @property
    def call_source(self) -> str:
        """The source that says which containers ran calls when: the call logs, or what Spark counted of them."""
        return CALL_LOGS if self.usage_engine == "duckdb" else "container_hours"

    @property
    def settle_buffer(self) -> dt.timedelta:
        """The settle buffer as a time."""
        return dt.timedelta(hours=self.settle_hours)
