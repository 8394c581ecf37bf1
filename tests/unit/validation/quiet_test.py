"""Great Expectations works in silence: no network, no files, nothing on the terminal, no usage statistics."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# An audit hook cannot be taken off again, so this runs in a process of its own.
VALIDATION = """
import os, sys
seen = []

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes) and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        path = os.fsdecode(arguments[0])
        if not path.startswith("/dev/") and "__pycache__" not in path:
            seen.append(f"writes {path}")
    if event in ("os.mkdir", "os.rename", "os.remove", "tempfile.mkstemp", "tempfile.mkdtemp"):
        if "__pycache__" not in str(arguments):
            seen.append(f"{event} {arguments}")
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        seen.append(f"{event} {arguments[1:]}")

sys.addaudithook(watch)
import duckdb
from tieout.core.findings import Severity
from tieout.validation.suites import Expectation, Suite
from tieout.validation.runner import Validator

con = duckdb.connect()
con.execute("create table t as select null as a")
broken = Expectation("A is known", Severity.CRITICAL, "expect_column_values_to_not_be_null", {"column": "a"}, None, 1)
rule = Expectation("A is 1", Severity.CRITICAL, None, {}, "select * from {table} where a is distinct from 1", 2)
result = Validator(con).validate(Suite("main.t", "main/t.yaml", (broken, rule)), rows="select * from t")
assert len(result.failures) == 2
assert os.environ["GX_ANALYTICS_ENABLED"] == "False"
assert not seen, "\\n".join(seen)

assert "altair.vegalite" not in sys.modules, "no suite draws with it"
import altair
assert altair.Chart is sys.modules["altair"].Chart is sys.modules["altair.vegalite"].Chart
"""


def test_a_validation_reaches_no_network_writes_no_file_prints_nothing_and_imports_nothing_to_draw_with() -> None:
    finished = subprocess.run(
        [sys.executable, "-B", "-c", VALIDATION], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


# Imports Great Expectations as it comes, then as it is imported here, and compares the classes that it makes.
CLASSES = """
import re, sys
from pydantic.v1 import BaseModel, class_validators
from pydantic.v1.fields import ModelField
from tieout.validation.gx_context import ephemeral_context

def classes(root=BaseModel):
    for each in root.__subclasses__():
        if each.__module__.partition(".")[0] == "great_expectations":
            yield each
        yield from classes(each)

def look_of(value):
    if isinstance(value, ModelField):
        return {slot: look_of(getattr(value, slot)) for slot in ModelField.__slots__}
    if isinstance(value, dict):
        return {name: look_of(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [look_of(each) for each in value]
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))

def changeable(field):
    yield from (field, field.field_info, field.field_info.extra, field.class_validators)
    for part in (field.sub_fields or (), (field.sub_fields_mapping or {}).values(), filter(None, [field.key_field])):
        for each in part:
            yield from changeable(each)

def looks_and_shared(of):
    looks, owners, shared = {}, {}, set()
    for each in of:
        name = f"{each.__module__}.{each.__qualname__}"
        looks[name] = look_of(each.__fields__)
        for field in each.__fields__.values():
            shared |= {(name, field.name) for part in changeable(field) if owners.setdefault(id(part), each) != each}
    return looks, shared

import great_expectations
as_it_comes = list(dict.fromkeys(classes()))
for module in [name for name in sys.modules if name.partition(".")[0] == "great_expectations"]:
    del sys.modules[module]
class_validators._FUNCS.clear()
ephemeral_context()
here = [each for each in dict.fromkeys(classes()) if each not in set(as_it_comes)]
assert not hasattr(ModelField, "__deepcopy__")
assert len(here) > 100
(looks, shared), (looks_here, shared_here) = looks_and_shared(as_it_comes), looks_and_shared(here)
assert looks_here == looks
assert shared_here == shared, sorted(shared_here ^ shared)
"""


def test_great_expectations_makes_the_same_classes_as_when_it_is_imported_by_others() -> None:
    finished = subprocess.run([sys.executable, "-c", CLASSES], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_suites_are_listed_without_great_expectations() -> None:
    listed = "import sys, tieout.validation.runner as v, tieout.validation.suites as s; s.all_suites()"
    found = f"{listed}; sys.exit('great_expectations' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", found], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
