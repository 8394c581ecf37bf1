"""The catalog's YAML as tables, so that SQL can join it: schema `catalog`, written whole in one transaction.

They are written where the catalog, or what Tieout makes of it, is not what stands there: to write them takes far longer
than to ask.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import astuple
from decimal import Decimal
from typing import Any

import duckdb

from tieout.catalog.models import BASELINE, Catalog, Configuration, Phase
from tieout.catalog.vocabulary import CALL_STATUSES, COMPONENTS, OBJECT_KINDS
from tieout.core.periods import day_start
from tieout.core.sql import transaction
from tieout.sources.registry import SOURCES

_DDL = """
create or replace table catalog.settings (
    environment varchar, settle_hours integer, default_cpu_millicores integer, default_memory_mib integer,
    default_scaledown_window_seconds integer, broad_region_percent integer, narrow_region_percent integer,
    nonpreemptible_percent integer, least_coverage_percent integer, most_coverage_percent integer,
    default_timeout_seconds integer, unexplained_percent integer, completeness_margin_percent integer,
    call_source varchar, rows_sha256 varchar
);
create or replace table catalog.configurations (
    function varchar, phase varchar, app varchar, valid_from timestamp, gpu varchar, gpu_count integer,
    cpu_millicores integer, memory_mib integer, timeout_seconds integer, scaledown_window_seconds integer
);
create or replace table catalog.phases (
    phase varchar, name varchar, position integer, deployed_at timestamp, risk varchar,
    promised_low_usd_per_day decimal(38, 12), promised_high_usd_per_day decimal(38, 12)
);
create or replace table catalog.resources (resource varchar, kind varchar, rate_name varchar);
create or replace table catalog.labels (label varchar, resource varchar);
create or replace table catalog.prices (
    resource varchar, valid_from timestamp, usd_per_hour decimal(38, 12), source varchar
);
create or replace table catalog.projection (
    function varchar, before_usd_per_hour decimal(38, 12), after_usd_per_hour decimal(38, 12), calls_per_hour integer
);
create or replace table catalog.adjustments (
    day date, function varchar, amount_usd decimal(38, 12), cause varchar, evidence varchar
);
create or replace table catalog.billing (account_id varchar, account_name varchar);
create or replace table catalog.sources (source varchar, role varchar, covers varchar);
create or replace table catalog.object_kinds (
    prefix varchar, kind varchar, residual varchar, has_functions boolean, label varchar, service varchar,
    service_category varchar, service_subcategory varchar
);
create or replace table catalog.series (
    measure varchar, unit varchar, words varchar[], aggregation varchar, times bigint, divided_by bigint
);
create or replace table catalog.call_statuses (status varchar, outcome varchar, is_final boolean);
create or replace table catalog.components (
    component varchar, component_group varchar, position integer, has_function boolean, words varchar
);
comment on table catalog.settings is 'One row: environment, settings, Modal''s defaults and price factors';
comment on table catalog.configurations is 'What the catalog says each function was given on each app from when on';
comment on table catalog.phases is 'The rollout: what was deployed when and what it was promised to save';
comment on table catalog.resources is 'What Modal bills by the hour, and the name of its rate';
comment on table catalog.labels is 'The labels that bills use, in lower case, and the resource they mean';
comment on table catalog.prices is 'List prices by the catalog';
comment on table catalog.projection is 'The claim as published: price per hour times calls per hour, before and after';
comment on table catalog.adjustments is 'Non-routine adjustments to the saving, each with its evidence';
comment on table catalog.billing is 'One row: the account that the bill belongs to, as other tools know it';
comment on table catalog.sources is 'Which exports can be landed, what each is for, and what a file of it covers';
comment on table catalog.object_kinds is 'The kinds of object that Modal bills, by how their ids begin';
comment on table catalog.series is 'What Modal''s metric series measure, by unit, words of the name and aggregation';
comment on table catalog.components is 'The components of attributed cost, in the order of every table, by group';
comment on table catalog.call_statuses is 'The statuses that a call can have, and how a call with each went';
"""


def write_catalog(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Replace the catalog's tables by the given catalog, in one transaction; does nothing where they are of it."""
    tables = _rows(catalog)
    digest = hashlib.sha256(f"{_DDL}{tables}".encode()).hexdigest()
    if _written(con) == digest:
        return
    tables["settings"] = [(*settings, digest) for settings in tables["settings"]]
    with transaction(con):
        con.execute(_DDL)
        for table, rows in tables.items():
            if rows:
                # to bind a list for each column takes a third of the time of a value for each field
                columns = [list(column) for column in zip(*rows, strict=True)]
                unnested = ", ".join("unnest(?)" for _ in columns)
                con.execute(f"insert into catalog.{table} select {unnested}", columns)


def _written(con: duckdb.DuckDBPyConnection) -> str | None:
    """Return the hash of what the tables hold; None where there are none, or those of a version without a hash."""
    try:
        row = con.execute("select rows_sha256 from catalog.settings").fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    return str(row[0]) if row else None


def _rows(catalog: Catalog) -> dict[str, Sequence[tuple[Any, ...]]]:
    prices = catalog.prices
    return {
        "settings": [_settings_row(catalog)],
        "configurations": [
            _configuration_row(catalog, name, configuration)
            for function in catalog.functions.functions
            for name in (function.name, *function.replaces)
            for configuration in function.configurations
        ],
        "phases": [_phase_row(position, phase) for position, phase in enumerate(catalog.rollout.phases, start=1)],
        "resources": [(resource.name, resource.kind, resource.rate_name) for resource in prices.resources],
        "labels": sorted(
            {
                (label.lower(), resource.name)
                for resource in prices.resources
                for label in (resource.name, *resource.labels)
            }
        ),
        "prices": [
            (resource.name, day_start(price.valid_from), price.usd_per_hour, price.source)
            for resource in prices.resources
            for price in resource.prices
        ],
        "projection": [
            (line.function, line.before_usd_per_hour, line.after_usd_per_hour, line.calls_per_hour)
            for line in catalog.projection.lines
        ],
        "adjustments": [
            (line.day, line.function, line.amount_usd, line.cause, line.evidence)
            for line in catalog.adjustments.adjustments
        ],
        "billing": [(catalog.billing.account_id, catalog.billing.account_name)],
        "sources": [(source.name, source.role, source.covers) for source in SOURCES.values()],
        "object_kinds": [astuple(kind) for kind in OBJECT_KINDS],
        "series": [
            (rule.measure, unit, list(rule.words), aggregation, rule.times, rule.divided_by)
            for rule in catalog.series.rules
            for unit in rule.units
            for aggregation in rule.aggregations
        ],
        "components": [
            (each.name, each.group, position, each.has_function, each.words)
            for position, each in enumerate(COMPONENTS, start=1)
        ],
        "call_statuses": [(each.status, each.outcome, each.is_final) for each in CALL_STATUSES],
    }


def _settings_row(catalog: Catalog) -> tuple[Any, ...]:
    defaults, factors = catalog.prices.defaults, catalog.prices.multipliers
    return (
        catalog.functions.environment,
        catalog.settings.settle_hours,
        _millicores(defaults.cpu_cores),
        defaults.memory_mib,
        defaults.scaledown_window_seconds,
        factors.broad_region_percent,
        factors.narrow_region_percent,
        factors.nonpreemptible_percent,
        catalog.settings.log_coverage.least_percent,
        catalog.settings.log_coverage.most_percent,
        defaults.timeout_seconds,
        catalog.settings.unexplained_percent,
        catalog.settings.completeness_margin_percent,
        catalog.settings.call_source,
    )


def _phase_row(position: int, phase: Phase) -> tuple[Any, ...]:
    promised = phase.promised_usd_per_day
    return (
        phase.id,
        phase.name,
        position,
        phase.deployed_at,
        phase.risk,
        promised.low if promised else None,
        promised.high if promised else None,
    )


def _configuration_row(catalog: Catalog, function: str, configuration: Configuration) -> tuple[Any, ...]:
    return (
        function,
        configuration.phase,
        configuration.app,
        "1970-01-01" if configuration.phase == BASELINE else catalog.phase_start(configuration.phase),
        configuration.gpu,
        configuration.gpu_count,
        None if configuration.cpu_cores is None else _millicores(configuration.cpu_cores),
        configuration.memory_mib,
        configuration.timeout_seconds,
        configuration.scaledown_window_seconds,
    )


def _millicores(cores: Decimal) -> int:
    return int(cores * 1000)
