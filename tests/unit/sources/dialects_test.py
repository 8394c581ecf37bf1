import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.landing_folder import DATA, REPORT_LINE, LandingFolder
from tieout.documentation import dialects
from tieout.sources.dialects import DIALECTS

VERSIONS = DATA / "modal-client-versions"
NEWEST = VERSIONS / "1.6.4"
PREFACE = (
    "/usr/lib/python3/modal/_utils.py:12: DeprecationWarning: use `modal.billing`, not [old].\n"
    "  warnings.warn(message)\n"
    "[WARNING] the client is out of date, and will stop working\n"
)
BILL = (
    "select object_id, description, environment, interval_start, cost_usd from raw.billing_report "
    "where (select report_kind from raw.files) != 'both' or resource is null order by all"
)
APPS = "select * exclude (file_id) from raw.app_list order by all"
HISTORY = "select * exclude (file_id) from raw.app_history order by all"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def loaded(folder: LandingFolder, name: str, content: bytes, sql: str) -> list[tuple[Any, ...]]:
    """Land a file alone, and return its rows."""
    path = folder.put(name, content)
    assert folder.load().rejected == ()
    rows = folder.rows(sql)
    path.unlink()
    for table in ("files", "deliveries", "scanned_paths", "billing_report", "app_list", "app_history"):
        folder.con.execute(f"delete from raw.{table}")
    return rows


def bill(folder: LandingFolder, content: bytes, suffix: str = ".json") -> list[tuple[Any, ...]]:
    return loaded(folder, f"billing_report/bill.daily{suffix}", content, BILL)


@pytest.mark.parametrize("version", ["1.4.3", "1.6.4"])
@pytest.mark.parametrize("form", ["daily.json", "daily.csv", "daily.forcecolor.json"])
def test_the_daily_bill_is_the_same_from_every_client_in_every_form(
    folder: LandingFolder, version: str, form: str
) -> None:
    newest = bill(folder, (NEWEST / "report.daily.json").read_bytes())
    printed = (VERSIONS / version / f"report.{form}").read_bytes()
    assert len(newest) == 4
    assert bill(folder, printed, Path(form).suffix) == newest
    assert bill(folder, PREFACE.encode() + printed, Path(form).suffix) == newest


@pytest.mark.parametrize(
    "sample",
    [
        *("1.4.3/report.hourly.json", "1.4.3/report.hourly.tags.json", "1.4.3/report.tz.json"),
        *("1.4.3/sdk.workspace_billing_report.json", "1.6.4/sdk.workspace_billing_report.json"),
        *("1.6.4/sdk.billing.report.json", "1.6.4/report.hourly.tags.json", "1.6.4/report.tz.json"),
    ],
)
def test_the_hourly_bill_is_the_same_from_the_command_and_from_the_sdk(folder: LandingFolder, sample: str) -> None:
    newest = bill(folder, (NEWEST / "report.hourly.json").read_bytes())
    assert len(newest) == 4
    assert bill(folder, (VERSIONS / sample).read_bytes()) == newest


def test_a_bill_by_resource_of_every_object_is_read(folder: LandingFolder) -> None:
    assert len(bill(folder, (NEWEST / "report.hourly.allresources.json").read_bytes())) == 2
    folder.put("billing_report/again.json", (NEWEST / "report.hourly.allresources.json").read_bytes())
    assert folder.load().rejected == ()
    assert folder.rows("select distinct report_kind, resolution from raw.files") == [("resources", "h")]


def test_the_tags_of_the_sdk_are_those_of_the_command(folder: LandingFolder) -> None:
    tags = "select object_id, tags from raw.billing_report order by all"
    printed = loaded(folder, "billing_report/a.json", (NEWEST / "report.hourly.tags.json").read_bytes(), tags)
    assert ("ap-1bbbbbbbbbbbbbbbbbbbbb", '{"team": "evals"}') in printed
    rows = (VERSIONS / "1.4.3" / "sdk.workspace_billing_report.json").read_bytes()
    assert loaded(folder, "billing_report/a.json", rows, tags) == printed


@pytest.mark.parametrize(("source", "sql"), [("app_list", APPS), ("app_history", HISTORY)])
def test_apps_and_deployments_are_the_same_from_every_client(folder: LandingFolder, source: str, sql: str) -> None:
    name = f"{source}/app=image-captioner/2026-08-20.json"
    newest = loaded(folder, name, (NEWEST / f"{source}.json").read_bytes(), sql)
    assert len(newest) > 0
    older = (VERSIONS / "1.4.3" / f"{source}.json").read_bytes()
    assert b"_" not in older.replace(b"app_", b"")
    assert loaded(folder, name, older, sql) == newest
    assert loaded(folder, name, PREFACE.encode() + older, sql) == newest


def test_rows_of_two_clients_may_stand_in_one_list(folder: LandingFolder) -> None:
    newer, older = (
        json.loads((VERSIONS / version / "report.daily.json").read_bytes()) for version in ("1.6.4", "1.4.3")
    )
    mixed = json.dumps([*newer[:2], *older[2:]]).encode()
    assert bill(folder, mixed) == bill(folder, json.dumps(newer).encode())


def test_a_coloured_csv_is_read_without_its_colours(folder: LandingFolder) -> None:
    plain = (NEWEST / "report.daily.csv").read_bytes()
    coloured = plain.replace(b"12.34567891", b"\x1b[1;36m12.34567891\x1b[0m")
    assert coloured != plain
    assert bill(folder, coloured, ".csv") == bill(folder, plain, ".csv")


@pytest.mark.parametrize("name", ["bill.txt", "bill.json"])
def test_a_table_in_boxes_is_refused_by_name_with_the_command_that_works(folder: LandingFolder, name: str) -> None:
    folder.put(f"billing_report/{name}", (NEWEST / "report.daily.txt").read_bytes())
    [refused] = folder.load().rejected
    assert refused.reason == "a table in boxes, as the modal client prints it without --json"
    assert refused.fix == "Export it again with --json: modal billing report --for yesterday -r h --json > FILE.json"


def test_a_list_cut_off_at_its_head_is_refused_and_not_taken_for_a_warning(folder: LandingFolder) -> None:
    text = json.dumps([REPORT_LINE, REPORT_LINE | {"object_id": "ap-2"}], indent=2)
    for cut in range(1, len(text) - 1, 9):
        folder.put("billing_report/cut.json", text[cut:] + "\n" + text)
        assert len(folder.load().rejected) == 1, text[cut:][:60]


def test_a_csv_without_its_head_above_a_whole_one_is_refused(folder: LandingFolder) -> None:
    text = (NEWEST / "report.daily.csv").read_text()
    folder.put("billing_report/two.csv", text.partition("\n")[2] + text)
    assert folder.refusal().startswith("line 1: not the header of a billing report")


def test_a_wrong_row_below_warnings_is_named_by_its_line(folder: LandingFolder) -> None:
    text = (NEWEST / "report.daily.csv").read_text().replace("12.34567891", "much")
    folder.put("billing_report/wrong.csv", PREFACE + text)
    assert folder.refusal().startswith("line 6: cost 'much'")


def test_a_cut_off_csv_below_warnings_says_from_where_it_counts(folder: LandingFolder) -> None:
    folder.put("billing_report/cut.csv", PREFACE + (NEWEST / "report.daily.csv").read_text().rstrip())
    [refused] = folder.load().rejected
    assert refused.reason.startswith("line 5: the file ends in the middle of a line")
    assert refused.detail == "Lines are counted from the header, which is line 4."


def test_a_field_under_two_names_is_refused(folder: LandingFolder) -> None:
    folder.put("billing_report/twice.json", [REPORT_LINE, REPORT_LINE | {"environment_name": "dev"}])
    assert folder.refusal() == "row 2: environment is given twice, once as 'environment_name'"


def test_a_key_that_stands_twice_in_an_object_is_refused(folder: LandingFolder) -> None:
    row = json.dumps(REPORT_LINE)
    folder.put("billing_report/twice.json", f'[{row}, {row[:-1]}, "cost": "99"}}]')
    assert folder.refusal() == "the key 'cost' stands twice in one object"


def test_the_page_of_dialects_has_a_line_for_each() -> None:
    for each in DIALECTS:
        assert f"| {each.container} | {each.spelling} | {'yes' if each.is_coloured else 'no'} |" in dialects()


@pytest.mark.parametrize(("sign", "worded"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_of_a_spreadsheet_is_named_by_what_stands_between_its_values(
    folder: LandingFolder, sign: str, worded: str
) -> None:
    folder.put("billing_report/bill.daily.csv", (NEWEST / "report.daily.csv").read_text().replace(",", sign))
    assert folder.refusal() == f"line 1: {worded} between the values, as a spreadsheet saves a table"


@pytest.mark.parametrize("name", ["billing_report/b.daily.json", "function_calls/app=a/function=f/b.json"])
def test_json_lines_are_named_with_the_command_that_makes_a_list_of_them(folder: LandingFolder, name: str) -> None:
    rows = json.loads((NEWEST / "report.daily.json").read_bytes())
    folder.put(name, "\n".join(json.dumps(row) for row in rows))
    [refused] = folder.load().rejected
    assert (
        "If it holds an object on each line (JSON Lines), make one list of them: jq -s . FILE > NEW.json" in refused.fix
    )


def test_exports_appended_to_each_other_are_told_apart_from_bad_json(folder: LandingFolder) -> None:
    folder.put("billing_report/b.daily.json", (NEWEST / "report.daily.json").read_bytes() * 2)
    assert folder.refusal() == "line 31: another JSON value begins below the first one"


def test_a_message_in_the_place_of_rows_is_shown(folder: LandingFolder) -> None:
    folder.put("billing_report/b.daily.json", "Error: Token missing.\n")
    [refused] = folder.load().rejected
    assert refused.detail == "The line says 'Error: Token missing.'."
