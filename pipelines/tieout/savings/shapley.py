"""Shapley values: the share of a change that each of its causes has (docs/reference/rules.md, "Bridge")."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from math import factorial, lcm

MOST_PLAYERS = 16


def shapley(value: Callable[[frozenset[str]], Fraction], players: Sequence[str]) -> dict[str, Fraction]:
    """Share value(all) − value(nobody) over the players: each one's mean effect over all orderings.

    Exact, independent of the players' order, and with zeros and changes of sign no special case.

    Args:
        value: worth of a coalition, here the saving with these drivers at their new values; called once per subset.
        players: distinct names, at most 16.

    Raises:
        ValueError: a name comes twice, or there are too many to go through all their subsets.
    """
    count = len(players)
    if len(set(players)) != count:
        raise ValueError(f"a player is named twice: {sorted(players)}")
    if count > MOST_PLAYERS:
        raise ValueError(f"{count} players are too many: at most {MOST_PLAYERS} (2^{MOST_PLAYERS} subsets)")
    worth = {
        coalition: value(coalition)
        for size in range(count + 1)
        for coalition in map(frozenset, combinations(players, size))
    }
    # Whole numbers of a common unit: adding up fractions takes ten times as long.
    unit = lcm(*(value.denominator for value in worth.values()))
    units = {coalition: value.numerator * (unit // value.denominator) for coalition, value in worth.items()}
    shares = dict.fromkeys(players, 0)
    for coalition, base in units.items():
        if len(coalition) == count:
            continue
        orderings = factorial(len(coalition)) * factorial(count - len(coalition) - 1)
        for player in players:
            if player not in coalition:
                shares[player] += orderings * (units[coalition | {player}] - base)
    return {player: Fraction(share, unit * factorial(count)) for player, share in shares.items()}
