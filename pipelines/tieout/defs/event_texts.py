"""The texts of events, as Dagster writes them, without what it does not read where they are kept.

Takes JSON as Dagster's `serialize_value` makes it. `tests/dagster/instance_test.py` notices when that changes.
"""

import json

LINEAGE = "dagster/column_lineage"
"""What Dagster calls the columns that a table is made of; its UI looks for it on the newest materialization."""


def shortened(event: str) -> str:
    """Leave out of an event's text what is null in it, a fifth of an evaluation, and the spaces."""
    entry = json.loads(event)
    said = entry.get("dagster_event") or {}
    data = said.get("event_specific_data") or {}
    for part in (said, data):
        for name in [name for name, value in part.items() if value is None]:
            del part[name]
    return _text(entry)


def without_counts(event: str) -> str:
    """Leave out of the evaluation of a check that holds what the row of the check has, and the sentence says."""
    entry = json.loads(event)
    evaluation = entry["dagster_event"]["event_specific_data"]
    if evaluation["success"]:
        del evaluation["metadata"]
    return _text(entry)


def without_lineage(event: str) -> str:
    """Leave out of a materialization's text which columns its table is made of."""
    if LINEAGE not in event:
        return event
    entry = json.loads(event)
    made = entry["dagster_event"]["event_specific_data"]["materialization"]
    made["metadata_entries"] = [each for each in made["metadata_entries"] if each["label"] != LINEAGE]
    return _text(entry)


def _text(entry: object) -> str:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
