"""The live side: Modal's own client and command line, writing what they return into the landing folder.

What belongs here: everything that imports `modal` or runs its command (`worker.py`, in a process of its own), asking
with deadlines and patience (`session.py`, `patience.py`), what to ask for and when (`plan.py`, `bill.py`, `apps.py`,
`calls.py`), doing much at once and noting what failed (`errands.py`, `visit.py`), writing it down whole or not at all
(`landed.py`), which days of the bill were corrected since (`corrections.py`), the pull as a whole (`pull.py`), and what
a first look tells about a workspace (`looks.py`, `first_catalog.py`). What does not: reading what was landed into
tables (`sources`), and any other arithmetic on it.
"""
