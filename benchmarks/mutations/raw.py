"""Corruptions of the raw tables, between loading and building: a statement by hand, a broken disk, another program."""

from benchmarks.mutations.trial import Kind

_DAY = "timestamp '2026-10-21'"
_BILL = f"""
(select f.file_id from raw.files as f inner join raw.deliveries as d using (file_id)
where f.source = 'billing_report' and d.range_start = {_DAY})
"""
_BREAKDOWN = f"""
(select max(f.file_id) from raw.files as f inner join raw.deliveries as d using (file_id)
where f.source = 'billing_report' and f.report_kind = 'resources' and d.range_start = {_DAY})
"""
_LOG = f"""
(select f.file_id from raw.files as f inner join raw.deliveries as d using (file_id)
where f.source = 'function_calls' and f.function = 'evaluate_genome_modal' and f.row_count > 0
and d.range_start = {_DAY})
"""
_EVERY_OTHER_CALL_AGAIN = f"""
update raw.function_calls as c
set
    function_call_id = o.function_call_id, enqueued_at = o.enqueued_at, started_at = o.started_at,
    container_key = o.container_key, execution_us = o.execution_us
from raw.function_calls as o
where c.file_id = o.file_id and c.row_number = o.row_number + 1 and c.row_number % 2 = 0 and c.file_id in {_LOG}
"""
_LOADED = "raw.files: Every row of a file was loaded"
_MISPRICED = "spend.claims: A pool costs what its container time can cost"
_SHIFTED = "spend.claims: The bill has the hours of the log"
_NOT_EQUAL = "staging.billing_totals: The plain report equals the breakdown and what it dropped"

KINDS = (
    Kind(
        "a line of the bill deleted",
        "raw.billing_report",
        f"delete from raw.billing_report where file_id = {_BREAKDOWN} and row_number = 5",
        (_LOADED,),
    ),
    Kind(
        "lines of the bill doubled",
        "raw.billing_report",
        f"insert into raw.billing_report select * from raw.billing_report where file_id in {_BILL}",
        (_LOADED,),
    ),
    Kind(
        "a cost set to null",
        "raw.billing_report",
        f"update raw.billing_report set cost_usd = null where file_id = {_BREAKDOWN} and row_number = 5",
        ("raw.billing_report: Every line has a cost",),
    ),
    Kind(
        "one cost × 100",
        "raw.billing_report",
        f"update raw.billing_report set cost_usd = cost_usd * 100 where file_id = {_BREAKDOWN} and row_number = 1",
        (_NOT_EQUAL,),
    ),
    Kind(
        "every cost × 100",
        "raw.billing_report",
        f"update raw.billing_report set cost_usd = cost_usd * 100 where file_id in {_BILL}",
        (_MISPRICED,),
    ),
    Kind(
        "lines of another file",
        "raw.billing_report",
        f"update raw.billing_report set file_id = 99999 where file_id = {_BREAKDOWN} and row_number < 9",
        (_LOADED, "raw.billing_report: The file of every line is known"),
    ),
    Kind(
        "hours three later",
        "raw.billing_report",
        "update raw.billing_report set interval_start = interval_start + interval 3 hour",
        ("raw.billing_report: Every line lies in a range that its report speaks for",),
    ),
    Kind(
        "deliveries lost",
        "raw.deliveries",
        f"delete from raw.deliveries where file_id in {_BILL}",
        (
            "raw.billing_report: Every line lies in a range that its report speaks for",
            "staging.deliveries: Every loaded content was delivered",
        ),
    ),
    Kind(
        "a range that ends before it begins",
        "raw.deliveries",
        f"update raw.deliveries set range_end = range_start - interval 1 day where file_id in {_BILL}",
        ("raw.deliveries: A range begins before it ends",),
    ),
    Kind(
        "rates read 60 days ago",
        "raw.deliveries",
        "update raw.deliveries set fetched_at = fetched_at - interval 60 day where path like 'billing_rates/%'",
        ("staging.prices: Rates were read in the 45 days before the newest bill",),
    ),
    Kind(
        "a file's kind another",
        "raw.files",
        f"update raw.files set report_kind = 'plain' where file_id = {_BREAKDOWN}",
        ("raw.billing_report: Only reports with resources name resources",),
    ),
    Kind(
        "a file twice",
        "raw.files",
        f"insert into raw.files select * from raw.files where file_id = {_BREAKDOWN}",
        ("raw.files: A number stands for one file",),
    ),
    Kind(
        "a log's path without its function",
        "raw.files",
        f"update raw.files set function = null where file_id in {_LOG}",
        ("raw.files: Calls and function infos name their app and function",),
    ),
    Kind(
        "calls deleted",
        "raw.function_calls",
        f"delete from raw.function_calls where file_id in {_LOG} and row_number % 2 = 0",
        (_LOADED,),
    ),
    Kind(
        "calls doubled under one number of rows",
        "raw.function_calls",
        _EVERY_OTHER_CALL_AGAIN,
        ("raw.function_calls: A call stands once in its log",),
    ),
    Kind(
        "execution times negative",
        "raw.function_calls",
        f"update raw.function_calls set execution_us = -execution_us where file_id in {_LOG}",
        ("raw.function_calls: No execution time is negative",),
    ),
    Kind(
        "containers numbered anew",
        "raw.containers",
        "update raw.containers set container_key = container_key + 1000000",
        ("usage.containers: No container of the log is lost",),
    ),
    Kind(
        "a container's id twice",
        "raw.containers",
        "insert into raw.containers select * replace (container_key + 1000000 as container_key) from raw.containers",
        ("raw.containers: A container has one number",),
    ),
    Kind(
        "containers created an hour later",
        "raw.containers",
        "update raw.containers set created_at = created_at + interval 1 hour",
        ("usage.containers: No container serves before it was created",),
    ),
    Kind(
        "metered a dollar more",
        "raw.billing_summary",
        "update raw.billing_summary set amount_usd = amount_usd + 1 where kind = 'metered'",
        ("staging.billing_summaries: Metered cost and adjustments make the bill",),
    ),
    Kind(
        "a kind of amount that nobody knows",
        "raw.billing_summary",
        "update raw.billing_summary set kind = 'tax' where kind = 'adjustment'",
        ("raw.billing_summary: Every amount is of a known kind",),
    ),
    Kind(
        "a configuration's GPU lost",
        "raw.function_info",
        "update raw.function_info set gpu_type = null where name = 'evaluate_genome_modal'",
        ("staging.configurations: What is deployed is what the catalog says",),
    ),
)
