import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import tieout.audit
from tieout.audit.entries import AuditCode, AuditEntry
from tieout.audit.phase_splits import fitting_splits
from tieout.audit.projection import audit_projection
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog, Resource
from tieout.core.figures import Agreement, Figure, Unit, agreement_of, figure, number
from tieout.core.findings import Severity
from tieout.core.resources import resource_path

CATALOG = load_catalog(resource_path("catalog"))
AUDIT = audit_projection(CATALOG)
HOUR = Fraction(3600)


def entries(code: AuditCode, catalog: Catalog | None = None) -> list[AuditEntry]:
    return [entry for entry in (AUDIT if catalog is None else audit_projection(catalog)) if entry.code is code]


def entry(code: AuditCode, catalog: Catalog | None = None) -> AuditEntry:
    found = entries(code, catalog)
    assert len(found) == 1, f"{code}: {len(found)} entries"
    return found[0]


def with_projection(**changes: object) -> Catalog:
    return CATALOG.model_copy(update={"projection": CATALOG.projection.model_copy(update=changes)})


def one_place(figure_: Figure) -> tuple[Decimal, Decimal]:
    return round(figure_.low, 1), round(figure_.high, 1)


# Golden: the figures of the method


def test_each_function_has_its_own_projected_saving() -> None:
    savings = entry(AuditCode.SAVING_PER_FUNCTION)
    assert {d.subject: d.computed.low for d in savings.details} == {
        "get_evolution_progress_modal": Decimal("1190.40"),
        "get_emergent_alerts_modal": Decimal("892.80"),
        "save_realtime_results_modal": Decimal("470.40"),
        "generate_code_modal": Decimal("1080.00"),
        "evaluate_genome_modal": Decimal("504.00"),
    }
    assert savings.computed.low == Decimal("4137.60")
    assert savings.arithmetic == "1,190.40 + 892.80 + 470.40 + 1,080 + 504 = 4,137.60"
    assert savings.details[0].arithmetic == "(2.50 − 0.02) × 20 × 24 = 1,190.40"


@pytest.mark.parametrize(
    ("code", "published", "computed", "agreement"),
    [
        (AuditCode.HOUR_BEFORE, "272.50", "272.50", Agreement.EXACT),
        (AuditCode.HOUR_AFTER, "100", "100.10", Agreement.ROUNDED),
        (AuditCode.DAY_BEFORE, "6540", "6540", Agreement.EXACT),
        (AuditCode.DAY_AFTER, "2400", "2402.40", Agreement.ROUNDED),
        (AuditCode.SAVING_PER_DAY, "4140", "4137.60", Agreement.ROUNDED),
        (AuditCode.SAVING_PER_MONTH, "124200", "124128", Agreement.DIFFERENT),
    ],
)
def test_the_published_totals_against_their_lines(
    code: AuditCode, published: str, computed: str, agreement: Agreement
) -> None:
    audited = entry(code)
    assert audited.published is not None
    assert audited.published.low == Decimal(published)
    assert audited.computed.low == Decimal(computed)
    assert audited.agreement is agreement


def test_the_reduction_is_63_27_percent_and_not_80() -> None:
    assert entry(AuditCode.REDUCTION).computed.text == "63.27%"
    assert entry(AuditCode.REDUCTION).agreement is Agreement.ROUNDED
    headline = entry(AuditCode.LEAST_REDUCTION)
    assert headline.severity is Severity.WARNING
    assert headline.published == figure(Decimal(80), Unit.PERCENT)


def test_a_month_depends_on_its_days() -> None:
    computed = [detail.computed.text for detail in entry(AuditCode.SAVING_PER_MONTH).details]
    assert computed == ["$124,200", "$125,925", "$125,852"]
    assert "$124,128" in entry(AuditCode.SAVING_PER_MONTH).statement


def test_over_100_000_a_month_needs_80_5_percent_realization() -> None:
    audited = entry(AuditCode.BREAK_EVEN)
    assert audited.computed.text == "80.5%"
    assert audited.arithmetic == "100,000 ÷ 124,200 = 80.5%"
    assert [detail.computed.text for detail in audited.details] == ["80.5%", "80.6%", "79.4%"]


@pytest.mark.parametrize(
    ("code", "percent", "dollars"),
    [
        (AuditCode.WEEKS_ADDED, "70–85%", "$4,578–5,559"),
        (AuditCode.WEEKS_COMPOUNDED, "64–74.5%", "$4,185.60–4,872.30"),
    ],
)
def test_the_weekly_claims_exceed_the_published_saving_however_they_are_read(
    code: AuditCode, percent: str, dollars: str
) -> None:
    audited = entry(code)
    assert audited.details[0].computed.text == percent
    assert audited.computed.text == dollars
    assert audited.computed.low > Decimal(4140)
    assert audited.severity is Severity.WARNING


def test_the_first_phase_promises_less_than_the_first_week() -> None:
    audited = entry(AuditCode.FIRST_WEEK)
    assert audited.published is not None
    assert (audited.published.text, audited.computed.text) == ("60–70%", "45.9–61.2%")
    assert one_place(audited.computed) == (Decimal("45.9"), Decimal("61.2"))
    assert audited.severity is Severity.WARNING


def test_the_phase_ranges_sum_to_3_500_to_5_000() -> None:
    assert entry(AuditCode.PHASE_RANGES).computed.text == "$3,500–5,000"


def test_three_splits_of_the_functions_fit_both_phases() -> None:
    promised = {
        "phase-1": Figure(Decimal(3000), Decimal(4000), Unit.USD_PER_DAY),
        "phase-2": Figure(Decimal(500), Decimal(1000), Unit.USD_PER_DAY),
    }
    splits = fitting_splits(CATALOG.projection.lines, promised)
    assert [(split.functions["phase-2"], split.usd_per_day["phase-1"]) for split in splits] == [
        (("evaluate_genome_modal",), Decimal("3633.60")),
        (("save_realtime_results_modal", "evaluate_genome_modal"), Decimal("3163.20")),
        (("get_emergent_alerts_modal",), Decimal("3244.80")),
    ]
    audited = entry(AuditCode.PHASE_SPLITS)
    assert audited.computed.text == "3"
    assert [detail.label for detail in audited.details if "rolled out" in detail.label] == [
        "split 1, as rolled out"
    ] * 2


def test_the_moves_from_gpu_to_cpu_alone_miss_the_first_phase() -> None:
    audited = entry(AuditCode.GPU_REMOVALS)
    assert audited.subject == "phase-1"
    assert audited.arithmetic == "1,190.40 + 892.80 + 470.40 = 2,553.60"
    assert "below the phase's range of $3,000–4,000" in audited.statement


def test_memory_and_timeout_cuts_have_no_projected_line() -> None:
    assert {detail.subject: detail.arithmetic for detail in entry(AuditCode.UNPROJECTED_CUTS).details} == {
        "run_experiment_modal": "memory 32,768 → 16,384 MiB, timeout 43,200 → 21,600 s",
        "train_lora_modal": "memory 32,768 → 16,384 MiB",
        "evaluate_code_modal": "memory 8,192 → 4,096 MiB, timeout 600 → 300 s",
        "setup_quixbugs_dataset_modal": "memory 4,096 → 2,048 MiB",
        "ensure_dependencies_modal": "memory 4,096 → 2,048 MiB, timeout 1,800 → 600 s",
    }


def test_a_call_is_priced_as_if_it_lasted_an_hour() -> None:
    audited = entry(AuditCode.IMPLIED_SECONDS)
    assert audited.computed == figure(HOUR, Unit.SECONDS)
    assert "123 containers busy around the clock" in audited.statement


def test_no_call_can_last_an_hour_with_a_timeout_of_half_an_hour() -> None:
    audited = entry(AuditCode.TIMEOUT_BOUND)
    assert audited.computed.text == "$3,270"
    assert "less even than the published saving of $4,140" in audited.statement


def test_one_container_always_on_costs_a_fraction_of_the_claim() -> None:
    before, after = entries(AuditCode.ALWAYS_ON)
    assert before.arithmetic == "(2.50 + 2.50 + 2.50 + 1.80 + 2.50) × 24 = 283.20"
    assert after.arithmetic == "(0.02 + 0.02 + 0.05 + 0.90 + 1.80) × 24 = 66.96"
    assert (before.computed.text, after.computed.text) == ("$283.20", "$66.96")


def test_prices_differ_from_the_rate_card() -> None:
    prices = {(e.subject, e.published.text): e.computed.text for e in entries(AuditCode.GPU_PRICE) if e.published}
    assert prices == {
        ("A100-40GB", "$2.50"): "$2.10",
        ("A100-40GB", "$1.80"): "$2.10",
        ("A10G", "$0.90"): "$1.10",
    }
    assert "$2.50 is the price of A100-80GB" in entries(AuditCode.GPU_PRICE)[0].statement


def test_a_whole_container_has_its_price_too() -> None:
    audited = entry(AuditCode.CONTAINER_PRICE)
    listed = {(d.subject, d.label): d.computed.low for d in audited.details}
    assert listed["get_evolution_progress_modal", "before"] == Decimal("2.2339125")
    assert listed["get_evolution_progress_modal", "after"] == Decimal("0.0513")
    assert audited.computed.text == "$3,599.14"


def test_one_configuration_has_two_prices() -> None:
    audited = entry(AuditCode.TWO_PRICES)
    assert audited.published is not None
    assert audited.published.text == "$1.80–2.50"
    assert audited.computed.text == "$2.2339"


def test_halving_the_memory_saves_less_than_claimed() -> None:
    audited = entry(AuditCode.MEMORY_PRICE)
    assert audited.published is not None
    assert (audited.subject, audited.published.text, audited.computed.text) == (
        "evaluate_genome_modal",
        "$0.70",
        "$0.128",
    )


def test_the_immediate_saving_is_no_sum_of_its_price_cuts() -> None:
    audited = entry(AuditCode.IMMEDIATE)
    assert (audited.computed.text, audited.details[0].computed.text) == ("$7.61", "$106.40")
    assert audited.severity is Severity.WARNING


# The audit as a whole


def test_the_audit_explains_and_warns_but_never_blocks() -> None:
    assert {audited.severity for audited in AUDIT} == {Severity.INFO, Severity.WARNING}


def test_an_entry_is_a_finding_with_its_figures() -> None:
    finding = entry(AuditCode.SAVING_PER_DAY).finding()
    assert (finding.code, finding.subject) == ("audit_saving_per_day", "CORAL-X")
    assert finding.data == {
        "arithmetic": "6,540 − 2,402.40 = 4,137.60",
        "computed": "$4,137.60",
        "published": "$4,140",
    }


def test_no_figure_of_the_programme_is_written_into_the_code() -> None:
    figures = ("4137", "4140", "4,140", "124200", "2553", "283.2", "66.96", "100000", "2.50", "0.90", "80.5")
    for path in sorted(Path(tieout.audit.__path__[0]).glob("*.py")):
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if '"""' not in line]
        assert not [line for line in code for printed in figures if printed in line], path.name


def test_without_a_claim_there_is_no_audit() -> None:
    assert audit_projection(with_projection(lines=(), published=None)) == []


def test_lines_alone_are_audited_without_published_totals_or_promises() -> None:
    bare = with_projection(published=None, claims=type(CATALOG.projection.claims)())
    codes = {audited.code for audited in audit_projection(bare)}
    assert AuditCode.SAVING_PER_FUNCTION in codes
    assert AuditCode.ALWAYS_ON in codes
    assert not codes & {AuditCode.SAVING_PER_DAY, AuditCode.WEEKS_ADDED, AuditCode.BREAK_EVEN, AuditCode.TIMEOUT_BOUND}


def test_a_claim_of_free_functions_has_no_reduction() -> None:
    free = tuple(line.model_copy(update={"before_usd_per_hour": Decimal(0)}) for line in CATALOG.projection.lines)
    assert entries(AuditCode.REDUCTION, with_projection(lines=free)) == []


def priced_from(day: dt.date, resource: Resource, usd: str) -> Resource:
    price = resource.prices[0].model_copy(update={"valid_from": day, "usd_per_hour": Decimal(usd)})
    return resource.model_copy(update={"prices": (*resource.prices, price)})


def test_prices_are_those_of_the_day_of_the_first_deployment() -> None:
    deployed = CATALOG.rollout.phases[0].deployed_at.date()
    changes = {"A10G": (deployed, "1.30"), "A100-40GB": (deployed + dt.timedelta(days=1), "3.00")}
    resources = tuple(
        priced_from(changes[r.name][0], r, changes[r.name][1]) if r.name in changes else r
        for r in CATALOG.prices.resources
    )
    prices = CATALOG.prices.model_copy(update={"resources": resources})
    audited = entries(AuditCode.GPU_PRICE, CATALOG.model_copy(update={"prices": prices}))
    assert {(e.subject, e.computed.text) for e in audited} == {("A100-40GB", "$2.10"), ("A10G", "$1.30")}


def test_too_many_splits_are_refused_and_not_sampled() -> None:
    promised = {str(i): Figure(Decimal(0), Decimal(1), Unit.USD_PER_DAY) for i in range(2)}
    with pytest.raises(ValueError, match="17 lines over 2 phases"):
        fitting_splits([CATALOG.projection.lines[0]] * 17, promised)


# Figures


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        ("4137.6", "4137.6", Unit.USD_PER_DAY, "$4,137.60"),
        ("4140", "4140", Unit.USD_PER_DAY, "$4,140"),
        ("3599.1441", "3599.1441", Unit.USD_PER_DAY, "$3,599.14"),
        ("0.0513", "0.0513", Unit.USD_PER_HOUR, "$0.0513"),
        ("-12.5", "-12.5", Unit.USD_PER_DAY, "−$12.50"),
        ("4185.6", "4872.3", Unit.USD_PER_DAY, "$4,185.60–4,872.30"),
        ("64", "74.5", Unit.PERCENT, "64–74.5%"),
        ("3600", "3600", Unit.SECONDS, "3,600 s"),
        ("3", "3", Unit.COUNT, "3"),
    ],
)
def test_a_figure_is_printed_for_people(low: str, high: str, unit: Unit, text: str) -> None:
    assert Figure(Decimal(low), Decimal(high), unit).text == text


def test_a_number_shows_its_digits_up_to_four() -> None:
    numbers = ("2", "2.5", "0.125", "0.0473", "2.2339125", "-1080")
    assert [number(Decimal(value)) for value in numbers] == ["2", "2.50", "0.125", "0.0473", "2.2339", "−1,080"]


@pytest.mark.parametrize(
    ("published", "computed", "agreement"),
    [
        ("63", "63", Agreement.EXACT),
        ("63", "63.27", Agreement.ROUNDED),
        ("4140", "4137.60", Agreement.ROUNDED),
        ("4140", "4134.99", Agreement.DIFFERENT),
        ("100", "160", Agreement.DIFFERENT),
    ],
)
def test_a_published_figure_is_rounded_at_its_last_digit(published: str, computed: str, agreement: Agreement) -> None:
    figures = (figure(Decimal(value), Unit.USD_PER_DAY) for value in (published, computed))
    assert agreement_of(*figures) is agreement
