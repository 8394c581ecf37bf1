"""The live side: Modal's own client and command line, writing what they return into the landing folder.

What belongs here: everything that imports `modal` or runs its command (`worker.py`, in a process of its own), asking
with deadlines and retries (`client.py`, `retry_policy.py`), what to ask for and when (`plan.py`, `bill.py`, `apps.py`,
`calls.py`), doing much at once and noting what failed (`tasks.py`, `visit.py`), writing it down whole or not at all
(`snapshots.py`), which days of the bill were corrected since (`corrections.py`), the pull as a whole (`pull.py`), and
what a first look tells about a workspace (`discovery.py`, `first_catalog.py`). What does not: reading landed files into
tables (`sources`), and any other arithmetic on them.
"""
