"""The weekly mail: rendered once, kept in the outbox, sent exactly once to everybody.

What belongs here: the message, the outbox with its states, SMTP, and when a mail is due.
What does not: the report that it carries (`report`), and schedules (`defs`).
"""
