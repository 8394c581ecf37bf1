"""`make focus-check`: two validators that others wrote, over the FOCUS files of a workspace.

focus-validator, of the FinOps Foundation, checks FOCUS 1.2, focus-toolkit 1.4. Neither adds up money, which
`tests/unit/focus_test.py` does. focus-validator ends with exit code 0 whatever it found, so its totals are read, and
what failed by name.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tieout.cli.demo import run_demo, run_simulation
from tieout.core.home import Home
from tieout.core.money import CENT
from tieout.core.resources import resource_path
from tieout.warehouse.focus import export_focus
from tieout.warehouse.publish import read_published

MODEL = "1.2.0.1"
# What Modal's bill has: no commitments, no zones, no second currency, no negotiated prices in its exports.
CRITERIA = (
    "ACCOUNT_NAMING_SUPPORTED",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "REGION_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
)
# The validator does not know whether a charge is on an invoice: it wants InvoiceId null and not null at once.
KNOWN_FALSE = {"InvoiceId-C-004-C", "InvoiceId-C-005-C"}
# In these criteria; fewer would mean that the validator has checked something else.
LEAST_PASSED = 250

SCENARIO, SEED, WEEKS = "coral-x", 1, 6
INVOICED = "2026-10"

_TOTALS = re.compile(r"^Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)$", re.MULTILINE)
_FAILED = re.compile(r"^\W*([A-Za-z]+-[A-Z]-\d{3}-[A-Z]): FAIL", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """What a validator said about a file.

    Attributes:
        file: its name.
        validator: which one.
        totals: rules checked, passed, failed and skipped, in words; empty where a validator does not count.
        complaint: why the file is not accepted; empty when it is.
    """

    file: str
    validator: str
    totals: str
    complaint: str


def judge(file: str, output: str) -> Verdict:
    """Read what focus-validator printed: one failure is known to be false, anything else is a complaint."""
    found = _TOTALS.search(output)
    if found is None:
        return Verdict(file, "focus-validator", "", f"it printed no totals: {output.strip()[-500:]}")
    total, passed, failed, skipped = counts = [int(number) for number in found.groups()]
    totals = f"{total} rules: {passed} passed, {failed} failed, {skipped} skipped"
    return Verdict(file, "focus-validator", totals, _complaint(counts, sorted(set(_FAILED.findall(output)))))


def _complaint(counts: list[int], names: list[str]) -> str:
    total, passed, failed, skipped = counts
    if len(names) != failed or passed + failed + skipped != total:
        return f"its totals do not add up, or count other failures than it lists: {', '.join(names) or 'none'}"
    if passed < LEAST_PASSED:
        return f"it checked less than it used to: {passed} rules passed, {LEAST_PASSED} should"
    if unknown := [name for name in names if name not in KNOWN_FALSE]:
        return f"failed: {', '.join(unknown)}"
    return "" if len(names) == 1 else f"of InvoiceId-C-004 and -C-005 exactly one fails, not {len(names)}"


def check_1_2(validator: Path, file: Path) -> Verdict:
    """Run focus-validator in a folder of its own, where it finds the currencies that its package lacks a path to."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "focus_validator" / "rules"
        rules.mkdir(parents=True)
        [currencies] = validator.parent.parent.glob(
            "lib/python*/site-packages/focus_validator/rules/currency_codes.csv"
        )
        shutil.copy(currencies, rules)
        said = subprocess.run(
            [
                *(validator, "--data-file", file, "--validate-version", MODEL, "--focus-dataset", "CostAndUsage"),
                *("--block-download", "--applicability-criteria", ",".join(CRITERIA)),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    return judge(file.name, said.stdout + said.stderr)


def check_1_4(toolkit: Path, file: Path) -> Verdict:
    """Run focus-toolkit, whose exit code says what it found."""
    said = subprocess.run(
        [toolkit, "validate", "--dataset", "cost-and-usage", "--supports", "SupportsUnitPricing", file],
        capture_output=True,
        text=True,
        check=False,
    )
    complaint = "" if said.returncode == 0 else (said.stdout + said.stderr).strip()[-2000:]
    return Verdict(file.name, "focus-toolkit", "", complaint)


def in_cents(amount: str) -> Decimal:
    """Round an amount as an invoice does."""
    return Decimal(amount).quantize(CENT, rounding=ROUND_HALF_UP)


def simulated(folder: Path) -> Home:
    """Build a workspace with a month that is over, one that is invoiced and one that is not over yet."""
    run_simulation(folder, scenario=SCENARIO, seed=SEED, weeks=WEEKS)
    summary = json.loads((folder / "landing" / "billing_summary" / f"{INVOICED}.json").read_text(encoding="utf-8"))
    invoice = folder / "landing" / "invoices" / f"{INVOICED}.json"
    invoice.parent.mkdir()
    invoice.write_text(
        json.dumps({"number": "2026-0042", "total": str(in_cents(summary["billed_cost"]))}), encoding="utf-8"
    )
    home = Home(folder)
    run_demo(home, lambda: resource_path("catalog"), scenario=SCENARIO, seed=SEED, weeks=WEEKS)
    return home


def verdicts(home: Home, validator: Path, toolkit: Path, folder: Path) -> Iterator[Verdict]:
    """Export both versions, and have every CSV judged."""
    with read_published(home.finance) as con:
        files = {version: export_focus(con, version, folder) for version in ("1.2", "1.4")}
    for version, check, program in (("1.2", check_1_2, validator), ("1.4", check_1_4, toolkit)):
        for file in files[version]:
            if file.path.suffix == ".csv":
                yield check(program, file.path)


def main() -> int:
    """Print what the validators said of every file; the exit code is 1 when one is not accepted."""
    arguments = argparse.ArgumentParser(prog="make focus-check", description=__doc__)
    arguments.add_argument("validator", type=Path, help="the focus-validator command")
    arguments.add_argument("toolkit", type=Path, help="the focus-toolkit command")
    arguments.add_argument("--home", type=Path, help="a workspace; else a small one is simulated")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = simulated(Path(folder) / "workspace") if given.home is None else Home(given.home.absolute())
        found = list(verdicts(home, given.validator.absolute(), given.toolkit.absolute(), Path(folder) / "focus"))
    table = Table("file", "validator", "rules", "verdict")
    for verdict in found:
        table.add_row(verdict.file, verdict.validator, verdict.totals, verdict.complaint or "accepted")
    Console().print(table)
    return 1 if any(verdict.complaint for verdict in found) or not found else 0


if __name__ == "__main__":
    sys.exit(main())
