/* What was refused, file by file, and which rows break an expectation? */
select
    'refused file' as kind,
    path as subject,
    reason as problem,
    fix as detail,
    date_trunc('second', seen_at) as seen_at
from raw.rejected_files
union all
select
    severity as kind,
    table_name as subject,
    expectation as problem,
    array_to_string(
        list_transform(
            list_filter(
                map_entries(from_json(row_json, '"map(varchar, varchar)"')),
                lambda field: field.value is not null
            ),
            lambda field: field.key || ' ' || field.value
        ),
        ', '
    ) as detail,
    date_trunc('second', seen_at) as seen_at
from quarantine.rows
order by kind asc, seen_at desc, subject asc, problem asc, detail asc
