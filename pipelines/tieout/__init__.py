"""Tieout: what serverless GPU functions on Modal really cost, and what an optimization really saved.

    import tieout

    with tieout.open_workspace("data") as workspace:
        workspace.build()
        report = workspace.report("2026-W46")

What belongs here: the packages of the house (docs/architecture.md), the façade `workspace`, and the entry points `cli`
and `definitions`. What does not: logic of its own, SQL (in `sql/`), expectations (in `expectations/`) and templates
(in `reports/`).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tieout.workspace import GateError, Work, Workspace, open_workspace

__all__ = ["GateError", "Work", "Workspace", "open_workspace"]


def __getattr__(name: str) -> Any:
    """Import the façade when it is first asked for: the command line starts without it."""
    if name not in __all__:
        raise AttributeError(f"module 'tieout' has no attribute {name!r}")
    from tieout import workspace

    return getattr(workspace, name)
