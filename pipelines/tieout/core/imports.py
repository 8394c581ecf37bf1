"""Modules that are imported when somebody uses them, for packages that import more than they need."""

import importlib
import importlib.util
import sys


def load_at_first_use(package: str, child: str) -> None:
    """Give a package a module that loads when somebody uses it; nothing happens where it is loaded already.

    Args:
        package: the name of the package, which is imported.
        child: the name of a module in it.
    """
    parent, name = importlib.import_module(package), f"{package}.{child}"
    # Looking for what is loaded, or is to be loaded, would load it.
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    setattr(parent, child, module)
