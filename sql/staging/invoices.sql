/*
The invoice of every month that has one, from the delivery that counts.

key: month
*/
select
    d.month,  -- first day of the UTC month
    i.number,  -- number of the invoice
    i.issued_on,  -- its date; null when the file does not say
    i.currency,  -- what its total is in
    i.total,  -- what it comes to before tax, in its currency, exact
    least(12, greatest(
        2,
        coalesce(i.decimals, length(rtrim(split_part(i.total::varchar, '.', 2), '0')))
    ))::integer as decimals,  -- digits after the point that the bill is rounded to: those of the total, 2 at least
    d.file_id,  -- the content, see raw.files
    f.path  -- the file, below landing/
from staging.monthly_deliveries as d
inner join raw.invoices as i on d.file_id = i.file_id
inner join raw.files as f on d.file_id = f.file_id
where d.source = 'invoices'
