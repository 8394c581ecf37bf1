from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from math import factorial, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.core.money import MoneyError
from tieout.savings.bridge import (
    Amount,
    Bridge,
    BridgeInputs,
    RealizationRates,
    Step,
    bridge_all,
    bridge_one,
    realization_rates,
)
from tieout.savings.saving_terms import CallCost, ContainerRates, SavingTerms, projected_terms
from tieout.savings.shapley import shapley

ZERO = Fraction(0)
NOTHING = CallCost(ZERO, ZERO, ContainerRates(ZERO, ZERO, ZERO))


def _product(before: dict[str, Fraction], after: dict[str, Fraction], coalition: frozenset[str]) -> Fraction:
    return prod((after if name in coalition else before)[name] for name in before) + ZERO


def _call(seconds: str, overhead: str = "1", *, gpu: str = "1", cpu: str = "0", memory: str = "0") -> CallCost:
    rates = ContainerRates(Fraction(gpu), Fraction(cpu), Fraction(memory))
    return CallCost(Fraction(seconds), Fraction(overhead), rates)


def _terms(calls: int, coverage: str, before: CallCost, after: CallCost) -> SavingTerms:
    return SavingTerms(Fraction(calls), Fraction(coverage), before, after)


def _inputs(
    function: str = "f",
    *,
    published: str = "0",
    projected: SavingTerms | None = None,
    realized: SavingTerms | None = None,
    realized_usd: str = "0",
    adjustments: str = "0",
    phase: str = "phase-1",
) -> BridgeInputs:
    return BridgeInputs(
        function=function,
        phase=phase,
        published_usd=Decimal(published),
        projected=projected,
        realized=realized,
        adjustments_usd=Decimal(adjustments),
        realized_usd=Decimal(realized_usd),
    )


def _exact(bridge: Bridge, *steps: Step) -> list[Decimal]:
    return [bridge.amount(step).exact_usd for step in steps]


# Golden figures (docs/reference/rules.md, "Bridge").


def test_golden_price_times_volume() -> None:
    before = {"price": Fraction(10), "volume": Fraction(100)}
    after = {"price": Fraction(8), "volume": Fraction(130)}
    assert shapley(lambda s: _product(before, after, s), ["price", "volume"]) == {"price": -230, "volume": 270}


def test_golden_savings_bridge() -> None:
    projected = _terms(1000, "1", _call("0.25"), _call("0.05"))
    realized = _terms(1200, "0.8", _call("0.20"), _call("0.06"))
    bridge = bridge_one(_inputs(published="200", projected=projected, realized=realized, realized_usd="134.4"))
    assert bridge.restated.exact_usd == 200
    assert bridge.amount(Step.UNIT_CORRECTION).exact_usd == 0
    drivers = _exact(bridge, Step.CALLS, Step.COVERAGE, Step.SECONDS_BEFORE, Step.SECONDS_AFTER)
    assert [round(driver, 3) for driver in drivers] == [
        Decimal("30.800"),
        Decimal("-37.200"),
        Decimal("-49.333"),
        Decimal("-9.867"),
    ]
    assert bridge.amount(Step.UNALLOCATED).exact_usd == 0
    assert bridge.realized.exact_usd == Decimal("134.4")
    assert realization_rates(bridge).vs_published == Fraction("0.672")


def test_golden_gpu_to_none() -> None:
    projected = _terms(480, "1", _call("5", "1.3", gpu=str(Fraction(25, 36000))), NOTHING)
    realized = _terms(600, "1", _call("9", "1.2", gpu="0"), NOTHING)
    bridge = bridge_one(_inputs(projected=projected, realized=realized))
    drivers = _exact(bridge, Step.CALLS, Step.SECONDS_BEFORE, Step.OVERHEAD_BEFORE, Step.GPU_RATE)
    assert [round(driver, 4) for driver in drivers] == [
        Decimal("0.3333"),
        Decimal("0.9139"),
        Decimal("-0.1153"),
        Decimal("-3.2986"),
    ]
    assert sum(drivers) == -bridge.restated.exact_usd
    assert bridge.amount(Step.UNALLOCATED).exact_usd == 0


# The programme's own claim: $4,140.00 published, $4,137.60 by its own lines.

CLAIM = [
    ("get_evolution_progress_modal", "phase-1", "1190.40", 480),
    ("get_emergent_alerts_modal", "phase-1", "892.80", 360),
    ("save_realtime_results_modal", "phase-1", "470.40", 192),
    ("generate_code_modal", "phase-1", "1080.00", 1200),
    ("evaluate_genome_modal", "phase-2", "504.00", 720),
]


def _programme() -> list[BridgeInputs]:
    inputs = []
    for i, (function, phase, published, calls) in enumerate(CLAIM):
        before = _call(f"{2 + 7 * i}.37", "1.31", gpu="0.000583", cpu="0.0000131", memory="0.0000355")
        small = ContainerRates(ZERO, Fraction("0.0000262"), Fraction("0.0000011"))
        projected = projected_terms(calls, before, before=before.rates, after=small)
        after = CallCost(Fraction(f"{3 + 7 * i}.11") / 3, Fraction("1.27"), small)
        realized = SavingTerms(Fraction(calls * 10 + i, 11), Fraction(96 - i, 97), before, after)
        amount = str(round(Decimal(3 + i) / 7, 12))
        inputs.append(
            _inputs(
                function,
                published=published,
                projected=projected,
                realized=realized,
                realized_usd=amount,
                adjustments="-0.015" if i == 3 else "0",
                phase=phase,
            )
        )
    return inputs


def test_the_published_saving_loses_its_rounding_and_then_its_unit() -> None:
    total = bridge_all(_programme(), published_usd=Decimal(4140)).total
    assert total.published == Amount(Decimal(4140), Decimal("4140.00"))
    assert total.amount(Step.ROUNDING).printed_usd == Decimal("-2.40")
    assert total.claimed.printed_usd == Decimal("4137.60")
    assert total.amount(Step.UNIT_CORRECTION).printed_usd < -4000
    assert total.restated.exact_usd == total.claimed.exact_usd + total.amount(Step.UNIT_CORRECTION).exact_usd


def test_steps_come_in_their_order() -> None:
    total = bridge_all(_programme(), published_usd=Decimal(4140)).total
    assert [line.step for line in total.steps] == list(Step)


def test_functions_phases_and_total_close_to_the_cent_and_add_up() -> None:
    report = bridge_all(_programme(), published_usd=Decimal(4140))
    for bridge in [report.total, *report.phases.values(), *report.functions.values()]:
        assert _closes(bridge)
    for step in Step:
        printed = [bridge.amount(step).printed_usd for bridge in report.functions.values()]
        if step is not Step.ROUNDING:
            assert sum(printed) == report.total.amount(step).printed_usd
        by_phase = [bridge.amount(step).printed_usd for bridge in report.phases.values()]
        assert sum(by_phase) == sum(printed)
    realized = sum((one.realized_usd for one in _programme()), Decimal(0))
    assert report.total.realized.exact_usd == realized
    assert report.total.realized.printed_usd == round(realized, 2)


def test_without_a_published_total_the_lines_are_the_claim() -> None:
    total = bridge_all(_programme()).total
    assert total.published.printed_usd == Decimal("4137.60")
    assert total.amount(Step.ROUNDING) == Amount(Decimal(0), Decimal(0))


def test_a_saving_that_nobody_projected_is_named_so() -> None:
    bridge = bridge_one(_inputs(realized_usd="3.21", adjustments="1"))
    assert bridge.amount(Step.OUTSIDE_CLAIM).exact_usd == Decimal("2.21")
    assert bridge.amount(Step.ADJUSTMENTS).exact_usd == 1
    assert bridge.amount(Step.UNALLOCATED).exact_usd == 0


def test_a_claim_that_was_never_measured_restates_to_nothing() -> None:
    bridge = bridge_one(_inputs(published="504"))
    assert bridge.amount(Step.UNIT_CORRECTION).exact_usd == -504
    assert bridge.restated.exact_usd == 0
    assert _closes(bridge)


def test_what_the_drivers_do_not_explain_stays_visible() -> None:
    terms = _terms(100, "1", _call("2"), _call("1"))
    bridge = bridge_one(_inputs(published="500", projected=terms, realized=terms, realized_usd="97.5"))
    assert bridge.restated.exact_usd == 100
    assert bridge.amount(Step.UNALLOCATED).exact_usd == Decimal("-2.5")


def test_a_phase_that_is_not_deployed_yet_is_missing_coverage() -> None:
    projected = _terms(100, "1", _call("2"), _call("1"))
    bridge = bridge_one(_inputs(projected=projected, realized=_terms(100, "0", _call("2"), _call("1"))))
    assert bridge.amount(Step.COVERAGE).exact_usd == -100
    assert bridge.realized.exact_usd == 0


def test_a_saving_that_turned_into_a_cost_is_explained() -> None:
    projected = _terms(100, "1", _call("2"), _call("1"))
    realized = _terms(100, "1", _call("2"), _call("5"))
    bridge = bridge_one(_inputs(projected=projected, realized=realized, realized_usd="-300"))
    assert bridge.amount(Step.SECONDS_AFTER).exact_usd == -400
    assert _closes(bridge)


def test_a_restatement_to_the_picodollar_never_leaks_into_unallocated() -> None:
    projected = _terms(7, "1", _call("1/3", "10/7", gpu="1/11"), _call("1/13"))
    realized = _terms(11, "5/9", _call("1/7", "9/7", gpu="1/17"), _call("1/19"))
    value = str(realized.saving_usd())
    exact = Decimal(round(realized.saving_usd() * 10**12)).scaleb(-12)
    bridge = bridge_one(_inputs(projected=projected, realized=realized, realized_usd=str(exact)))
    assert "/" in value  # no decimal number
    assert bridge.amount(Step.UNALLOCATED).exact_usd == 0


def test_a_function_and_phase_come_only_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        bridge_all([_inputs("f"), _inputs("f")])


def test_an_amount_that_the_warehouse_cannot_keep_is_refused() -> None:
    with pytest.raises(MoneyError, match="12 decimals"):
        _inputs(realized_usd="0.0000000000001")
    with pytest.raises(MoneyError, match="12 decimals"):
        bridge_all([], published_usd=Decimal("0.0000000000001"))


def test_realization_is_told_three_ways() -> None:
    terms = _terms(100, "1", _call("2"), _call("1"))
    bridge = bridge_one(_inputs(published="1000", projected=terms, realized=terms, realized_usd="80"))
    rates = realization_rates(bridge, counterfactual_usd=Decimal(200), claimed_before_usd=Decimal(1250))
    assert rates == RealizationRates(
        vs_published=Fraction(8, 100),
        vs_restated=Fraction(8, 10),
        cost_cut=Fraction(4, 10),
        claimed_cost_cut=Fraction(8, 10),
    )


def test_realization_of_nothing_is_not_a_number() -> None:
    rates = realization_rates(bridge_one(_inputs()), counterfactual_usd=Decimal(0), claimed_before_usd=Decimal(0))
    assert rates == RealizationRates(None, None, None, None)


# Properties.

# Hypothesis draws two whole numbers eight times faster than one of its fractions.
_fractions = st.builds(Fraction, st.integers(-450, 450), st.integers(1, 9))
_rates = st.builds(
    ContainerRates, gpu_usd_per_second=_fractions, cpu_usd_per_second=_fractions, memory_usd_per_second=_fractions
)
_calls = st.builds(CallCost, execution_seconds=_fractions, overhead=_fractions, rates=_rates)
_saving = st.builds(SavingTerms, calls=_fractions, coverage=_fractions, before=_calls, after=_calls)
_usd = st.integers(-(10**15), 10**15).map(lambda units: Decimal(units).scaleb(-12))
_any_inputs = st.builds(
    BridgeInputs,
    function=st.sampled_from("abcde"),
    phase=st.sampled_from(["phase-1", "phase-2"]),
    published_usd=_usd,
    projected=st.none() | _saving,
    realized=st.none() | _saving,
    adjustments_usd=_usd,
    realized_usd=_usd,
)


def _closes(bridge: Bridge) -> bool:
    exact = sum((line.amount.exact_usd for line in bridge.steps), bridge.published.exact_usd)
    printed = sum((line.amount.printed_usd for line in bridge.steps), bridge.published.printed_usd)
    return exact == bridge.realized.exact_usd and printed == bridge.realized.printed_usd


@settings(max_examples=40, deadline=None)
@given(st.lists(_any_inputs, max_size=6, unique_by=lambda one: (one.function, one.phase)), st.none() | _usd)
def test_every_bridge_closes_exactly_and_in_cents(inputs: list[BridgeInputs], published: Decimal | None) -> None:
    report = bridge_all(inputs, published_usd=published)
    for bridge in [report.total, *report.phases.values(), *report.functions.values()]:
        assert _closes(bridge)
        for line in bridge.steps:
            assert abs(line.amount.exact_usd - line.amount.printed_usd) < Decimal("0.01") * (len(inputs) + 3)


@settings(max_examples=40, deadline=None)
@given(st.lists(_any_inputs, min_size=2, max_size=4, unique_by=lambda one: (one.function, one.phase)))
def test_the_order_of_functions_does_not_matter(inputs: list[BridgeInputs]) -> None:
    assert bridge_all(inputs) == bridge_all(inputs[::-1])


@settings(max_examples=40, deadline=None)
@given(_any_inputs)
def test_a_driver_that_did_not_move_has_no_step(inputs: BridgeInputs) -> None:
    if inputs.projected is None:
        return
    same = bridge_one(
        BridgeInputs(
            function="f",
            phase="p",
            published_usd=inputs.published_usd,
            projected=inputs.projected,
            realized=inputs.projected,
            adjustments_usd=inputs.adjustments_usd,
            realized_usd=inputs.realized_usd,
        )
    )
    assert all(same.amount(step) == Amount(Decimal(0), Decimal(0)) for step in Step if step.is_driver)


def _by_all_orderings(values: dict[frozenset[str], Fraction], players: list[str]) -> dict[str, Fraction]:
    gains = dict.fromkeys(players, ZERO)
    for order in permutations(players):
        for i, player in enumerate(order):
            gains[player] += values[frozenset(order[: i + 1])] - values[frozenset(order[:i])]
    return {player: gain / factorial(len(players)) for player, gain in gains.items()}


_games = st.lists(_fractions, min_size=16, max_size=16)
_PLAYERS = ["a", "b", "c", "d"]


def _game(worths: list[Fraction]) -> dict[frozenset[str], Fraction]:
    return {
        frozenset(name for i, name in enumerate(_PLAYERS) if mask >> i & 1): worth for mask, worth in enumerate(worths)
    }


@given(_games)
def test_shapley_is_the_mean_over_all_orderings(worths: list[Fraction]) -> None:
    game = _game(worths)
    assert shapley(game.__getitem__, _PLAYERS) == _by_all_orderings(game, _PLAYERS)


@given(_games, st.permutations(_PLAYERS))
def test_shapley_does_not_depend_on_the_order_of_players(worths: list[Fraction], order: list[str]) -> None:
    game = _game(worths)
    assert shapley(game.__getitem__, order) == shapley(game.__getitem__, _PLAYERS)


@given(_games)
def test_shapley_values_add_up_to_the_whole_change(worths: list[Fraction]) -> None:
    game = _game(worths)
    assert sum(shapley(game.__getitem__, _PLAYERS).values()) == game[frozenset(_PLAYERS)] - game[frozenset()]


@given(_games)
def test_interchangeable_players_get_the_same(worths: list[Fraction]) -> None:
    game = _game(worths)
    values = shapley(lambda s: game[s] + game[frozenset({"a": "b", "b": "a"}.get(p, p) for p in s)], _PLAYERS)
    assert values["a"] == values["b"]


@given(_games)
def test_a_player_without_effect_gets_nothing(worths: list[Fraction]) -> None:
    game = _game(worths)
    assert shapley(lambda s: game[s - {"c"}], _PLAYERS)["c"] == 0


def test_shapley_refuses_players_it_cannot_tell_apart() -> None:
    with pytest.raises(ValueError, match="twice"):
        shapley(lambda s: Fraction(len(s)), ["a", "a"])


def test_shapley_refuses_more_players_than_it_can_go_through() -> None:
    with pytest.raises(ValueError, match="17 players"):
        shapley(lambda s: Fraction(len(s)), [str(i) for i in range(17)])
