"""`make identity`: builds workspaces with the command line and compares their figures with those that are recorded.

A change that must not move a figure moves none when every line says "identical". One that moves figures on purpose
records them again with `--record`. This module imports nothing of Tieout, so that any version can build and be
compared: `--tieout PATH` names the command of another one.
"""


class IdentityError(RuntimeError):
    """Workspaces cannot be built or compared; the message says why."""
