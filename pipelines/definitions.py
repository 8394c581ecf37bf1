"""Loads the definitions from a clone: `workspace.yaml` names this file, which stands beside the package."""

from tieout.definitions import defs as defs
