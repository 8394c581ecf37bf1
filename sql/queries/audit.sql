/* What does the projection say, and what do its own figures, the rate card and the bill come to? */
select
    position,
    detail,
    severity,
    code,
    subject,
    statement,
    arithmetic,
    published,
    computed
from savings.audit
order by position, detail
