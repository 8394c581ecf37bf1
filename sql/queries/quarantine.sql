/* What was refused, file by file, and which rows broke an expectation? */
select
    'file' as kind,
    path as subject,
    reason as problem,
    fix as remedy_or_row,
    seen_at
from raw.rejected_files
union all
select
    severity as kind,
    table_name as subject,
    expectation as problem,
    row_json as remedy_or_row,
    seen_at
from quarantine.rows
order by seen_at desc, kind asc, subject asc, problem asc, remedy_or_row asc
