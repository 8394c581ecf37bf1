import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.landing_folder import REAL_BILL, REPORT_LINE, SAMPLES, LandingFolder
from tieout.core.money import MoneyError, parse_long_usd
from tieout.sources.billing_line import read_line
from tieout.sources.fields import Record
from tieout.sources.landing import RejectionError

LINES = "select interval_start::varchar, resource, cost_usd, tags from raw.billing_report order by row_number"
TOTAL = "select sum(cost_usd) from raw.billing_report"
CSV_HEADER = "Object ID,Description,Environment,Interval Start,Cost\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def line(**fields: Any) -> dict[str, Any]:
    return REPORT_LINE | fields


def bill_of(folder: LandingFolder, *lines: object) -> LandingFolder:
    folder.put("billing_report/bill.json", list(lines))
    return folder


def refusal_of(folder: LandingFolder, *lines: object) -> str:
    return bill_of(folder, *lines).refusal()


def test_the_parts_of_the_real_bill_add_up_to_the_last_digit(folder: LandingFolder) -> None:
    folder.put_sample(REAL_BILL / "billing_report.resources.json", "billing_report/july.json")
    folder.load()
    assert folder.rows(TOTAL) == [(Decimal("17.93903621"),)]


def test_the_totals_of_the_real_bill_differ_from_its_parts(folder: LandingFolder) -> None:
    folder.put_sample(REAL_BILL / "billing_report.plain.json", "billing_report/july.json")
    folder.load()
    assert folder.rows(TOTAL) == [(Decimal("17.93903620"),)]


@pytest.mark.parametrize(
    ("sample", "kind", "resolution", "rows", "total"),
    [
        ("billing_report.daily.plain.csv", "plain", "d", 3, "4.687977995"),
        ("billing_report.daily.plain.wrapped-80.csv", "plain", "d", 3, "4.687977995"),
        ("billing_report.hourly.plain.json", "plain", "h", 4, "4.687977995"),
        ("billing_report.hourly.resources.csv", "resources", "h", 9, "4.684277995"),
        ("billing_report.hourly.resources.json", "resources", "h", 9, "4.684277995"),
        ("billing_report.hourly.resources.wrapped-80.csv", "resources", "h", 9, "4.684277995"),
        ("billing_report.hourly.tz-local.csv", "resources", "h", 9, "4.684277995"),
        ("billing_report.hourly.tz-local.wrapped-80.csv", "resources", "h", 9, "4.684277995"),
    ],
)
def test_every_sample_loads(
    folder: LandingFolder, sample: str, kind: str, resolution: str, rows: int, total: str
) -> None:
    folder.put_sample(SAMPLES / sample, f"billing_report/{sample}")
    assert folder.load().rejected == ()
    assert folder.rows("select report_kind, resolution, row_count from raw.files") == [(kind, resolution, rows)]
    assert folder.rows(TOTAL) == [(Decimal(total),)]


@pytest.mark.parametrize("sample", ["daily.plain", "hourly.resources", "hourly.tz-local"])
def test_a_wrapped_sample_gives_the_rows_of_the_unwrapped_one(folder: LandingFolder, sample: str) -> None:
    folder.put_sample(SAMPLES / f"billing_report.{sample}.csv", "billing_report/straight.csv")
    folder.put_sample(SAMPLES / f"billing_report.{sample}.wrapped-80.csv", "billing_report/wrapped.csv")
    folder.load()
    rows = """
        select object_id, description, billing_report.environment, interval_start, resource, cost_usd, tags
        from raw.billing_report join raw.files using (file_id) where path = 'billing_report/{}.csv' order by all
    """
    assert folder.rows(rows.format("wrapped")) == folder.rows(rows.format("straight"))


def test_json_and_csv_of_a_report_give_the_same_rows(folder: LandingFolder) -> None:
    folder.put_sample(SAMPLES / "billing_report.hourly.resources.csv", "billing_report/a.csv")
    folder.put_sample(SAMPLES / "billing_report.hourly.resources.json", "billing_report/b.json")
    folder.load()
    assert folder.rows(
        """
        select count(*) from (
            select object_id, interval_start, resource, cost_usd, tags from raw.billing_report
            group by object_id, interval_start, resource, cost_usd, tags having count(distinct file_id) = 2
        )
        """
    ) == [(9,)]


def test_an_interval_without_an_offset_is_utc(folder: LandingFolder) -> None:
    bill_of(folder, line(interval_start="2026-11-02T01:00:00")).load()
    assert folder.rows(LINES)[0][0] == "2026-11-02 01:00:00"


@pytest.mark.parametrize("start", ["2026-11-01T20:00:00-05:00", "2026-11-02T01:00:00Z", "2026-11-02T02:00:00+01:00"])
def test_an_interval_with_an_offset_is_converted(folder: LandingFolder, start: str) -> None:
    bill_of(folder, line(interval_start=start)).load()
    assert folder.rows(LINES)[0][0] == "2026-11-02 01:00:00"


NEW_YORK_DAYS = ("2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00")


@pytest.mark.parametrize("days", [NEW_YORK_DAYS, ("2026-10-25T00:00:00+01:00", "2026-10-26T00:00:00+00:00")])
def test_the_days_of_another_zone_are_refused(folder: LandingFolder, days: tuple[str, ...]) -> None:
    assert "a daily report with --tz is not made of UTC days" in refusal_of(
        folder, *(line(interval_start=day) for day in days)
    )


def test_hours_with_an_offset_are_hours(folder: LandingFolder) -> None:
    bill_of(folder, *(line(interval_start=start) for start in (*NEW_YORK_DAYS, "2026-11-02T01:00:00-05:00"))).load()
    assert folder.rows("select resolution from raw.files") == [("h",)]


def test_midnights_of_another_zone_are_hours_if_the_sidecar_says_so(folder: LandingFolder) -> None:
    folder.put("billing_report/bill.json", [line(interval_start=day) for day in NEW_YORK_DAYS])
    folder.put_sidecar("billing_report/bill.json", resolution="h")
    folder.load()
    assert folder.rows("select resolution from raw.files") == [("h",)]


def test_midnights_of_utc_with_an_offset_are_days(folder: LandingFolder) -> None:
    days = ("2026-11-02T00:00:00Z", "2026-11-03T00:00:00+00:00")
    bill_of(folder, *(line(interval_start=day) for day in days)).load()
    assert folder.rows("select resolution from raw.files") == [("d",)]


def test_intervals_with_and_without_an_offset_are_not_mixed(folder: LandingFolder) -> None:
    reason = refusal_of(folder, line(), line(interval_start="2026-11-02T01:00:00+00:00"))
    assert reason == "row 2: interval_start carries an offset, unlike the rows before it"


def test_an_interval_that_is_no_full_utc_hour_is_refused(folder: LandingFolder) -> None:
    reason = refusal_of(folder, line(), line(interval_start="2026-11-02T01:30:00"))
    assert reason == "row 2: interval_start is '2026-11-02T01:30:00', which is not a full hour in UTC"


def test_a_half_hour_timezone_does_not_fit_full_utc_hours(folder: LandingFolder) -> None:
    assert "not a full hour in UTC" in refusal_of(folder, line(interval_start="2026-11-02T01:00:00+05:30"))


@pytest.mark.parametrize("start", ["yesterday", "2026-13-02T00:00:00", "1026-11-02T00:00:00", "2026-W45-1", ""])
def test_an_interval_that_is_no_time_is_refused(folder: LandingFolder, start: str) -> None:
    assert refusal_of(folder, line(interval_start=start)).startswith("row 1: interval_start is")


@pytest.mark.parametrize(
    ("cost", "amount"),
    [("1.25E-7", "0.000000125"), ("0E-8", "0"), ("-0E-8", "0"), ("0.123456789012", "0.123456789012")],
)
def test_a_cost_keeps_every_digit(folder: LandingFolder, cost: str, amount: str) -> None:
    bill_of(folder, line(cost=cost)).load()
    assert folder.rows(TOTAL) == [(Decimal(amount),)]


def test_a_negative_cost_loads(folder: LandingFolder) -> None:
    bill_of(folder, line(cost="-1.50000000")).load()
    assert folder.rows(TOTAL) == [(Decimal("-1.5"),)]


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        ("0.1234567890123", "0.1234567890123"),
        ("2." + "1" * 38, "2." + "1" * 38),
        ("-1.5E-13", "-0.00000000000015"),
        ("1.234567890123400", "1.2345678901234"),
    ],
)
def test_a_cost_with_up_to_38_decimals_is_kept_as_text(folder: LandingFolder, cost: str, text: str) -> None:
    bill_of(folder, line(), line(cost=cost)).load()
    costs = folder.rows("select cost_usd, cost_exact from raw.billing_report order by row_number")
    assert costs == [(Decimal("2.103125"), None), (None, text)]


@pytest.mark.parametrize("cost", ["1E-39", "0." + "1" * 39])
def test_a_cost_with_more_than_38_decimals_is_refused_not_rounded(folder: LandingFolder, cost: str) -> None:
    bill_of(folder, line(), line(cost=cost))
    [refused] = folder.load().rejected
    assert refused.reason.startswith(f"row 2: cost {cost[:60]!r} has more than 38 decimals")
    assert refused.fix == "No client of Modal prints that. Look at what wrote the file."


def sdk_row(**fields: Any) -> dict[str, Any]:
    row = line(**fields)
    return {**{name: row[name] for name in row if name != "environment"}, "environment_name": row["environment"]}


def test_a_row_of_the_sdk_is_its_total_and_its_parts(folder: LandingFolder) -> None:
    parts = {"A100-40GB": "2.00000000", "CPU": "0.10000000"}
    bill_of(folder, sdk_row(cost_by_resource=parts), sdk_row(object_id="vo-1", cost_by_resource={})).load()
    rows = folder.rows("select object_id[:2], resource, cost_usd from raw.billing_report order by row_number")
    assert rows == [
        ("ap", None, Decimal("2.103125")),
        ("ap", "A100-40GB", Decimal(2)),
        ("ap", "CPU", Decimal("0.1")),
        ("vo", None, Decimal("2.103125")),
    ]
    assert folder.rows("select report_kind, row_count from raw.files") == [("both", 4)]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"cost_by_resource": "{}"}, "row 1: cost_by_resource: '{}' is not a JSON object"),
        ({"cost_by_resource": {"CPU": 0.1}}, "row 1: cost_by_resource: CPU is 0.1, not a text"),
        ({"cost_by_resource": {}, "resource": "CPU"}, "row 1: cost_by_resource breaks down a row that is a part"),
    ],
)
def test_parts_that_are_none_are_refused(folder: LandingFolder, fields: dict[str, Any], problem: str) -> None:
    assert refusal_of(folder, sdk_row(**fields)).startswith(problem)


@pytest.mark.parametrize(
    "cost", ["NaN", "Infinity", "-Infinity", "1e999", "1,25", "$1.25", "", " 1.25", "0x10", "1_000"]
)
def test_a_cost_that_is_no_amount_is_refused(folder: LandingFolder, cost: str) -> None:
    assert refusal_of(folder, line(cost=cost)).startswith("row 1: cost")


@pytest.mark.parametrize("cost", ["2.103125", "2", "null", "true", '["2.1"]'])
def test_a_cost_that_is_not_a_text_is_refused(folder: LandingFolder, cost: str) -> None:
    folder.put("billing_report/bill.json", json.dumps([REPORT_LINE]).replace('"2.10312500"', cost))
    reason = folder.refusal()
    assert reason.startswith("row 1: cost is")
    assert "amounts must stay exact" in reason


@settings(deadline=None)
@given(st.decimals(min_value=-(10**11), max_value=10**11, places=12, allow_nan=False, allow_infinity=False))
def test_an_amount_survives_as_text_in_every_notation(amount: Decimal) -> None:
    for text in (str(amount), f"{amount:f}", f"{amount:E}", f"{amount:+}"):
        assert read_line(Record("row 1", line(cost=text))).cost_usd == amount


@settings(deadline=None)
@given(st.text(alphabet="0123456789.eE+- ", max_size=20))
def test_a_text_is_an_exact_amount_or_refused(text: str) -> None:
    try:
        cost = read_line(Record("row 1", line(cost=text))).cost_usd
    except RejectionError:
        with pytest.raises(MoneyError):
            parse_long_usd(text)
    else:
        assert cost == Decimal(text)


def test_tags_stay_the_text_that_modal_wrote(folder: LandingFolder) -> None:
    tags = '{"team": "evolution"}'
    bill_of(folder, line(tags=tags)).load()
    assert folder.rows(LINES)[0][3] == tags


@pytest.mark.parametrize("tags", ['{"team": ', "team", "[]", ["team"], 5])
def test_tags_that_are_no_json_object_are_refused(folder: LandingFolder, tags: object) -> None:
    assert refusal_of(folder, line(tags=tags)).startswith("row 1: tags")


def test_reports_with_and_without_resources_are_not_mixed(folder: LandingFolder) -> None:
    reason = refusal_of(folder, line(), line(resource="CPU"))
    assert reason == "row 2: resource is given, unlike the rows before it"


def test_duplicate_rows_are_rows(folder: LandingFolder) -> None:
    bill_of(folder, line(), line()).load()
    assert folder.rows("select row_number, cost_usd from raw.billing_report order by 1") == [
        (1, Decimal("2.103125")),
        (2, Decimal("2.103125")),
    ]


def test_an_unknown_column_is_tolerated(folder: LandingFolder) -> None:
    assert bill_of(folder, line(region="us-east")).load().loaded == 1


@pytest.mark.parametrize("name", list(REPORT_LINE))
def test_a_missing_column_is_named(folder: LandingFolder, name: str) -> None:
    lacking = {key: value for key, value in REPORT_LINE.items() if key != name}
    assert refusal_of(folder, line(), lacking) == f"row 2: {name} is missing"


def test_a_csv_without_a_column_is_refused(folder: LandingFolder) -> None:
    folder.put("billing_report/bill.csv", "Object ID,Description,Environment,Interval Start\nap-1,a,main,2026-11-02\n")
    assert folder.refusal() == "line 1: not the header of a billing report: Cost missing"


def test_a_csv_with_an_unknown_column_loads(folder: LandingFolder) -> None:
    row = "ap-1,coral-x,main,2026-11-02T01:00:00,1.5,us-east\n"
    folder.put("billing_report/bill.csv", CSV_HEADER.replace("Cost", "Cost,Region") + row)
    folder.load()
    assert folder.rows(TOTAL) == [(Decimal("1.5"),)]


def test_a_csv_with_a_header_only_is_a_report_without_rows(folder: LandingFolder) -> None:
    folder.put("billing_report/bill.csv", CSV_HEADER)
    assert (folder.load().loaded, folder.rows("select count(*) from raw.billing_report")) == (1, [(0,)])


def test_a_bad_cost_in_a_csv_is_found_by_its_line(folder: LandingFolder) -> None:
    good = "ap-1,coral-x,main,2026-11-02T00:00:00,1.5\n"
    folder.put("billing_report/bill.csv", CSV_HEADER + good + good.replace("1.5", "1.5 USD"))
    assert folder.refusal() == "line 3: cost '1.5 USD' is not a decimal number"


def test_a_csv_that_ends_within_a_line_is_cut_off(folder: LandingFolder) -> None:
    folder.put("billing_report/bill.csv", CSV_HEADER + "ap-1,coral-x,main,2026-11-02T00:00:00,1.")
    assert "cut off" in folder.refusal()


def test_a_report_is_hourly_when_an_interval_starts_after_midnight(folder: LandingFolder) -> None:
    folder.put("billing_report/daily/bill.json", [line(interval_start="2026-11-02T00:00:00"), line()])
    folder.load()
    assert folder.rows("select resolution from raw.files") == [("h",)]


@pytest.mark.parametrize(
    ("path", "resolution"),
    [
        *(("hourly/bill.json", "h"), ("bill.hourly.json", "h"), ("bill -r h.json", "h"), ("bill-rh.json", "h")),
        *(("daily/bill.json", "d"), ("bill.daily.json", "d"), ("2026-11-02-r-d.json", "d"), ("hourly/daily.json", "d")),
    ],
)
def test_at_one_midnight_only_the_path_says_the_resolution(folder: LandingFolder, path: str, resolution: str) -> None:
    folder.put(f"billing_report/{path}", [line(interval_start="2026-11-02T00:00:00")])
    folder.load()
    assert folder.rows("select resolution from raw.files") == [(resolution,)]


@pytest.mark.parametrize("name", ["2026-11-02.json", "2026-11-02.plain.r3.json", "for-rh1.json"])
def test_a_day_that_may_be_its_first_hour_is_refused_until_its_name_says_which(
    folder: LandingFolder, name: str
) -> None:
    path = folder.put(f"billing_report/{name}", [line(interval_start="2026-11-02T00:00:00")] * 2)
    [refused] = folder.load().rejected
    assert refused.reason == (
        "every row starts at 2026-11-02 00:00, and nothing says whether that is the day or its first hour"
    )
    by_day, by_hour = re.findall(r"\S+\.json", refused.fix)
    for new_name, resolution in ((by_day, "d"), (by_hour, "h")):
        path = path.rename(path.with_name(new_name))
        assert folder.load().rejected == ()
        assert folder.rows("select resolution from raw.files order by file_id desc limit 1") == [(resolution,)]


@pytest.mark.parametrize("resolution", ["h", "d"])
def test_a_day_that_may_be_its_first_hour_is_what_its_sidecar_says(folder: LandingFolder, resolution: str) -> None:
    bill_of(folder, line(interval_start="2026-11-02T00:00:00")).put_sidecar(
        "billing_report/bill.json", resolution=resolution
    )
    assert folder.load().rejected == ()
    assert folder.rows("select resolution from raw.files") == [(resolution,)]


def test_midnights_of_several_days_are_days(folder: LandingFolder) -> None:
    bill_of(folder, *(line(interval_start=f"2026-11-0{day}T00:00:00") for day in (2, 3))).load()
    assert folder.rows("select resolution from raw.files") == [("d",)]


def test_midnights_of_another_zone_are_hours_if_the_name_says_so(folder: LandingFolder) -> None:
    path = folder.put("billing_report/bill.json", [line(interval_start=day) for day in NEW_YORK_DAYS])
    [refused] = folder.load().rejected
    [by_hour] = re.findall(r"\S+\.json", refused.fix)
    path.rename(path.with_name(by_hour))
    assert folder.load().rejected == ()
    assert folder.rows("select resolution from raw.files") == [("h",)]


def test_the_sidecar_says_the_resolution_better_than_the_path(folder: LandingFolder) -> None:
    folder.put("billing_report/daily/bill.json", [line(interval_start="2026-11-02T00:00:00")])
    folder.put_sidecar("billing_report/daily/bill.json", resolution="h")
    folder.load()
    assert folder.rows("select resolution, content_end::varchar from raw.files") == [("h", "2026-11-02 01:00:00")]


def test_a_daily_sidecar_with_hourly_rows_is_refused(folder: LandingFolder) -> None:
    bill_of(folder, line()).put_sidecar("billing_report/bill.json", resolution="d")
    assert "not a UTC day, but the sidecar says daily" in folder.refusal()


def test_an_hourly_and_a_daily_report_may_have_the_same_bytes(folder: LandingFolder) -> None:
    for resolution in ("h", "d"):
        name = f"billing_report/{resolution}.json"
        folder.put(name, [line(interval_start="2026-11-02T00:00:00")])
        folder.put_sidecar(name, resolution=resolution)
    folder.load()
    assert folder.rows("select resolution from raw.files order by 1") == [("d",), ("h",)]


def test_empty_reports_of_both_kinds_are_told_apart_by_their_names(folder: LandingFolder) -> None:
    for name in ("billing_report/2026-11-02.plain.json", "billing_report/2026-11-02.resources.json"):
        folder.put(name, [])
        folder.put_sidecar(name, range_start="2026-11-02T00:00:00Z", range_end="2026-11-03T00:00:00Z")
    folder.load()
    assert folder.rows("select report_kind, row_count from raw.files order by 1") == [("plain", 0), ("resources", 0)]


def test_the_range_of_a_file_without_a_sidecar_is_that_of_its_rows(folder: LandingFolder) -> None:
    bill_of(folder, line(), line(interval_start="2026-11-02T03:00:00")).load()
    assert folder.rows("select range_start::varchar, range_end::varchar from raw.deliveries") == [
        ("2026-11-02 01:00:00", "2026-11-02 04:00:00")
    ]


def test_a_report_without_rows_and_sidecar_covers_nothing(folder: LandingFolder) -> None:
    bill_of(folder).load()
    assert folder.rows("select range_start, range_end from raw.deliveries") == [(None, None)]


def test_rows_outside_the_pulled_range_are_refused_because_no_snapshot_would_cover_them(folder: LandingFolder) -> None:
    bill_of(folder, line()).put_sidecar(
        "billing_report/bill.json", range_start="2026-11-03T00:00:00Z", range_end="2026-11-04T00:00:00Z"
    )
    assert "beyond the range that the sidecar declares" in folder.refusal()


def test_ten_megabytes_in_a_field_are_refused(folder: LandingFolder) -> None:
    reason = refusal_of(folder, line(), line(description="x" * 10_000_000))
    assert reason == "row 2: description has 10,000,000 characters; nothing in Modal is longer than 65,536"


@pytest.mark.parametrize(("text", "problem"), [("a\0b", "NUL"), ("a\ud800b", "lone surrogate")])
def test_characters_that_cannot_be_kept_are_refused(folder: LandingFolder, text: str, problem: str) -> None:
    assert problem in refusal_of(folder, line(description=text))


def test_other_control_characters_are_kept_as_they_are(folder: LandingFolder) -> None:
    bill_of(folder, line(description="a\r\n\x07b")).load()
    assert folder.rows("select description from raw.billing_report") == [("a\r\n\x07b",)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ("{}", "the file holds an object, not a JSON list of rows"),
        ("[1]", "row 1: 1 is not a JSON object"),
        ('[{"cost": NaN}]', "the file contains NaN, which is not a number"),
        ('[{"object_id": "ap-1', "line 1: the file is cut off"),
        ('[{"object_id": "ap-1"},\n', "line 2: the file is cut off"),
        ('[{"object_id": "ap\x07"}]', "line 1, column 19: not JSON: Invalid control character at"),
        ("[]]", "line 1, column 3: not JSON: Extra data"),
    ],
)
def test_what_is_no_list_of_rows_is_refused(folder: LandingFolder, content: str, reason: str) -> None:
    folder.put("billing_report/bill.json", content)
    assert folder.refusal() == reason


def test_deeply_nested_json_is_refused(folder: LandingFolder) -> None:
    folder.put("billing_report/bill.json", "[" * 200_000)
    assert "not readable as JSON" in folder.refusal()


PLAIN_HEADER = "Object ID,Description,Environment,Interval Start,Cost"
PLAIN_ROW = "ap-1,coral-x,main,2026-11-02T01:00:00,2.1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{PLAIN_HEADER}\r{PLAIN_ROW}\r", "line 1: the lines end in a carriage return alone"),
        (f"{PLAIN_HEADER},{'x' * 1_000_000}\n{PLAIN_ROW},1\n", "line 1: a header of 1,000,05"),
        (f'{PLAIN_HEADER},"{"x" * 1_000_000}"\n{PLAIN_ROW},1\n', "line 1: a header of 1,000,05"),
        (f"{PLAIN_HEADER}\n{PLAIN_ROW.replace('2.1', '1' * 1_000_000)}\n", "line 2: not CSV: field larger than field"),
    ],
)
def test_a_csv_that_no_client_prints_is_refused_and_the_other_files_load(
    folder: LandingFolder, text: str, reason: str
) -> None:
    folder.put("billing_report/odd.csv", text)
    folder.put("billing_report/even.csv", f"{PLAIN_HEADER}\n{PLAIN_ROW}\n")
    result = folder.load()
    assert result.loaded == 1
    assert [rejected.path for rejected in result.rejected] == ["billing_report/odd.csv"]
    assert result.rejected[0].reason.startswith(reason)


@pytest.mark.parametrize("cost", ["1" * 1_000_005, "0." + "1" * 1_000_003])
def test_a_cost_of_a_million_digits_is_refused(folder: LandingFolder, cost: str) -> None:
    said = f"row 2: cost {cost[:20]!r}… has 1,000,005 characters, and no amount more than 64"
    assert refusal_of(folder, line(), line(cost=cost)) == said
