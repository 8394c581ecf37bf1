"""What `spend.inferred_time` takes of the placed time, `spend.container_time` leaves."""

import re

from tieout.warehouse.models import model_named

_TAKEN = re.compile(r"\bevidence in \(([^)]*)\)")
_LEFT = re.compile(r"\bevidence not in \(([^)]*)\)")


def test_no_time_is_left_out_and_none_counted_twice() -> None:
    taken = _TAKEN.findall(model_named("spend.inferred_time").sql)
    left = _LEFT.findall(model_named("spend.container_time").sql)
    assert len(taken) == len(left) == 1
    assert set(taken[0].split(", ")) == set(left[0].split(", "))
