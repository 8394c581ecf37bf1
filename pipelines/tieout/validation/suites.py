"""Expectation suites: what must hold for each table, as YAML in `expectations/`, read into frozen dataclasses.

Belongs here: the shape of a suite file, and the errors that point at its lines. Running a suite is `validation`.

A suite file lies where its table's SQL lies (`sql/spend/hourly.sql`, `expectations/spend/hourly.yaml`):

    table: spend.hourly
    expectations:
      - name: Every amount belongs to a function
        severity: critical
        type: expect_column_values_to_not_be_null
        kwargs: {column: function}
      - name: Only corrections are negative
        severity: warning
        sql: select * from {table} where amount_usd < 0 and component <> 'residual'

A rule in SQL reads `{table}`, the rows to check. `{since}` and `{until}`, exclusive, are the bounds of the days that
they were built for: a rule that looks for what is missing compares with all of these days, because rows that are not
there cannot tell where they should have begun and ended.

What several rules work out from the rows stands once, under `shared:`, by a name that these rules read in braces; it is
computed once for all of them:

    shared:
      hours_by_function: select function, hour, sum(amount_usd) as amount_usd from {table} group by all
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tieout.core.errors import TieoutError
from tieout.core.findings import Severity
from tieout.core.resources import resource_path
from tieout.core.yaml_lines import YamlDocument, parse_yaml

# Each of these raises on DuckDB, whatever the data (tried with great-expectations 1.24.1).
_NOT_ON_DUCKDB = re.compile(r"_regex|_like_pattern|_of_type$|_type_list$|_json_|_dateutil_|_strftime_")


# Rows of the table, or groups of them, and beside others only where they match: without any, nothing is found.
_OF_THE_ROWS = re.compile(r"select\b(?P<columns>(?:(?!\bfrom\b).)*)\bfrom \{table\}(?P<rest>.*)")
_ROWS_OF_OTHERS = re.compile(r"\b(?:union|full|right|since|until)\b")

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_GIVEN = ("table", "since", "until")
_SharedName = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]

# The days of a table that is always checked whole; the years that every date of Python and of DuckDB can have.
ALL_DAYS = (dt.date.min, dt.date.max)


class SuiteError(TieoutError):
    """A suite file cannot be used; its place names file and line, its problem the entry."""


@dataclass(frozen=True)
class Expectation:
    """One thing that must hold for every row of a table.

    Attributes:
        name: a sentence for people, unique in its suite.
        severity: `critical` stops the build, `warning` is shown.
        type: name of the Great Expectations expectation; None for a rule in SQL.
        kwargs: its arguments.
        sql: select that returns the rows that break the rule, with `{table}` for the rows to check, and `{since}` and
            `{until}` for the days that they were built for.
        line: where it stands in the suite file.
    """

    name: str
    severity: Severity
    type: str | None
    kwargs: Mapping[str, Any]
    sql: str | None
    line: int

    @property
    def check_name(self) -> str:
        """The name of the Dagster check that shows this expectation."""
        return check_name(self.name)

    @property
    def holds_without_rows(self) -> bool:
        """Whether it is sure to hold of a table without rows: it looks at single rows, or at groups of them."""
        if self.sql is None:
            return (self.type or "").startswith("expect_column_values_")
        found = _OF_THE_ROWS.fullmatch(" ".join(self.sql.split()))
        if found is None or _ROWS_OF_OTHERS.search(found["rest"]):
            return False
        return "group by" in found["rest"] or not ("(" in found["columns"] or "having" in found["rest"])

    def rule(self, rows: str, days: tuple[dt.date, dt.date] = ALL_DAYS) -> str:
        """Return the select of the rows that break the rule.

        Args:
            rows: what to put in the place of `{table}`.
            days: the UTC days that the rows were built for, end exclusive.

        Raises:
            ValueError: the expectation is no rule in SQL.
        """
        if self.sql is None:
            raise ValueError(f"{self.name!r} is an expectation of Great Expectations, not a rule in SQL")
        return _filled(self.sql, rows, days)


@dataclass(frozen=True)
class Suite:
    """What is expected of one table.

    Attributes:
        table: its name, with its schema.
        file: the path of the suite, from the expectations folder's parent.
        expectations: in the order of the file.
        shared: selects that several rules read, by name: they find each as a temporary table of this name.
    """

    table: str
    file: str
    expectations: tuple[Expectation, ...]
    shared: Mapping[str, str] = field(default_factory=dict)

    def shared_selects(self, rows: str, days: tuple[dt.date, dt.date] = ALL_DAYS) -> dict[str, str]:
        """Return the selects that several rules read, by name; `rows` and `days` as for a rule."""
        return {name: _filled(sql, rows, days) for name, sql in self.shared.items()}


def _filled(sql: str, rows: str, days: tuple[dt.date, dt.date]) -> str:
    since, until = (f"timestamp '{day.isoformat()}'" for day in days)
    return sql.replace("{since}", since).replace("{until}", until).replace("{table}", rows)


def check_name(name: str) -> str:
    """Turn an expectation's sentence into a name that Dagster accepts: `Σ is 0, always` → `is_0_always`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


class _ExpectationEntry(BaseModel):
    """The shape of one entry under `expectations:`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=100)
    severity: Literal["critical", "warning"]
    type: str | None = None
    kwargs: dict[str, Any] = Field(default_factory=dict)
    sql: str | None = None

    @field_validator("name")
    @classmethod
    def _reads_as_a_sentence(cls, name: str) -> str:
        if not check_name(name) or name != name.strip() or name.endswith("."):
            raise ValueError("write a sentence without a full stop, with letters that a check's name can be made of")
        return name

    @field_validator("type")
    @classmethod
    def _runs_on_duckdb(cls, kind: str | None) -> str | None:
        if kind is not None and not kind.startswith("expect_"):
            raise ValueError("is not an expectation of Great Expectations (expect_…); write the rule as `sql`")
        if kind is not None and _NOT_ON_DUCKDB.search(kind):
            raise ValueError("does not run on DuckDB; write the rule as `sql`, a select of the rows that break it")
        return kind

    @field_validator("kwargs")
    @classmethod
    def _holds_for_every_row(cls, kwargs: dict[str, Any]) -> dict[str, Any]:
        if "mostly" in kwargs:
            raise ValueError("`mostly` lets bad rows through; drop it, or give the expectation severity: warning")
        return kwargs

    @field_validator("sql")
    @classmethod
    def _reads_the_rows(cls, sql: str | None) -> str | None:
        if sql is not None and not _PLACEHOLDER.search(sql):
            raise ValueError("must read from {table}, the rows to check, or name {since} and {until}, their days")
        return sql

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.type is None) == (self.sql is None):
            raise ValueError("needs either `type` (with `kwargs`) or `sql`, and not both")
        if self.sql is not None and self.kwargs:
            raise ValueError("`kwargs` belong to `type`; a rule in `sql` takes none")
        return self


class _SuiteFile(BaseModel):
    """The shape of a suite file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    table: str = Field(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")
    shared: dict[_SharedName, str] = Field(default_factory=dict)
    expectations: list[_ExpectationEntry] = Field(min_length=1)

    @field_validator("shared")
    @classmethod
    def _works_with_the_rows(cls, shared: dict[str, str]) -> dict[str, str]:
        for name, sql in shared.items():
            if "{table}" not in sql:
                raise ValueError(f"{name} must read from {{table}}, the rows to check")
        return shared

    @model_validator(mode="after")
    def _shares_what_is_read(self) -> Self:
        read = [name for entry in self.expectations for name in set(_PLACEHOLDER.findall(entry.sql or ""))]
        for name in read:
            if name not in _GIVEN and name not in self.shared:
                raise ValueError(f"a rule reads {{{name}}}, which is none of {_listed(_GIVEN, self.shared)}")
        for name in self.shared:
            if read.count(name) < 2:
                raise ValueError(f"fewer than two rules read {{{name}}}; write it into the rule that does, or drop it")
        return self


def load_suite(table: str, *, directory: Path | None = None) -> Suite:
    """Read the suite of `table` (`spend.hourly` → `expectations/spend/hourly.yaml`).

    Raises:
        SuiteError: there is no such file, or it is wrong; the message names file, line and field.
    """
    folder = directory or resource_path("expectations")
    path = folder.joinpath(*table.split(".")).with_suffix(".yaml")
    if not path.is_file():
        raise SuiteError(
            f"{table} has no suite",
            place=_label(folder, path),
            remedy="Write this file, with one expectation at least.",
        )
    return _suite_of(folder, path)


def all_suites(*, directory: Path | None = None) -> dict[str, Suite]:
    """Read every suite, by table name in alphabetical order.

    Raises:
        SuiteError: a file is wrong; the message names file, line and field.
    """
    folder = directory or resource_path("expectations")
    suites = (_suite_of(folder, path) for path in sorted(folder.rglob("*.yaml")))
    return {suite.table: suite for suite in suites}


def _suite_of(folder: Path, path: Path) -> Suite:
    return _read_suite(folder, path, path.stat().st_mtime_ns)


@cache
def _read_suite(folder: Path, path: Path, _changed_ns: int) -> Suite:
    """Read a file once in a process; a file that was changed since is another one."""
    label = _label(folder, path)
    document = parse_yaml(path.read_bytes(), name=label, error=SuiteError)
    content = document.read_as(_SuiteFile)
    expected_table = ".".join(path.relative_to(folder).with_suffix("").parts)
    if content.table != expected_table:
        document.refuse(("table",), f"{content.table!r} belongs to another file; this one is {expected_table}")
    expectations = tuple(
        Expectation(
            name=entry.name,
            severity=Severity(entry.severity),
            type=entry.type,
            kwargs=MappingProxyType(entry.kwargs),
            sql=_with_shared(entry.sql, content.shared),
            line=document.line_of(("expectations", position)),
        )
        for position, entry in enumerate(content.expectations)
    )
    _refuse_same_names(document, expectations)
    return Suite(table=content.table, file=label, expectations=expectations, shared=MappingProxyType(content.shared))


def _with_shared(sql: str | None, shared: Iterable[str]) -> str | None:
    for name in shared:
        sql = sql and sql.replace(f"{{{name}}}", f"temp.{name}")
    return sql


def _listed(*names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for group in names for name in group)


def _label(folder: Path, path: Path) -> str:
    return (Path(folder.name) / path.relative_to(folder)).as_posix()


def _refuse_same_names(document: YamlDocument, expectations: tuple[Expectation, ...]) -> None:
    seen: dict[str, Expectation] = {}
    for position, expectation in enumerate(expectations):
        first = seen.setdefault(expectation.check_name, expectation)
        if first is not expectation:
            document.refuse(
                ("expectations", position, "name"),
                f"{expectation.name!r} gives the same check as {first.name!r} on line {first.line} "
                f"({expectation.check_name})",
                remedy="Name it otherwise.",
            )
