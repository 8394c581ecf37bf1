# Set-up, tests and checks. Every target makes what it needs in .venv/, from Python >= 3.11 and this folder alone.

.DEFAULT_GOAL := help
.PHONY: help demo ui test spark-test bench identity docs site tutorial data-docs pictures gallery compatibility lock clean focus-check check check-style check-types check-sql check-imports check-spelling check-docs check-licences check-site check-service soak

# Nothing here reports to anybody.
export GX_ANALYTICS_ENABLED := False
export DAGSTER_DISABLE_TELEMETRY := yes
# Bytecode is kept, whatever the shell says: else every process compiles anew what it runs.
unexport PYTHONDONTWRITEBYTECODE
# The theme of the site advertises its successor with every build.
export NO_MKDOCS_2_WARNING := 1

help:
	@echo 'make demo    simulate the CORAL-X workspace, run everything, say where the weekly report is'
	@echo 'make ui      the same in the Dagster UI'
	@echo 'make test    all tests'
	@echo 'make spark-test  count container hours on Apache Spark, an executor killed (needs Java 17; installs pyspark into .venv-spark/)'
	@echo 'make check   style, types, SQL, imports between layers, spelling, generated docs, licences, the site and its links'
	@echo 'make check-service  install from the lock as a service does, run it without root, stop it, build the image where docker is'
	@echo 'make docs    write the generated pages of docs/ anew'
	@echo 'make site    build the pages of docs/ as a site, into site/'
	@echo 'make tutorial  run the commands of README and tutorial as they stand, in a folder of their own'
	@echo 'make pictures  take the pictures of README and docs anew, from the demo (needs Chromium; ARGS="--home data" takes one that is there)'
	@echo 'make gallery   take a picture of every page at the edge of what it must bear, to look at, into gallery/ (ARGS="--coral-x data")'
	@echo 'make compatibility  open finance.duckdb with the DuckDB versions that finance may have (needs the package registry)'
	@echo 'make focus-check  have the FOCUS files judged by two validators (needs Python 3.12 and the package registry)'
	@echo 'make data-docs  write the site of Great Expectations about a workspace to <home>/data-docs'
	@echo 'make bench   measure, and write benchmarks/results.md (ARGS="render quiet" for these only)'
	@echo 'make identity  compare every published figure with the recorded ones (ARGS="--weeks 3" is quick)'
	@echo 'make soak    disk images, a year day by day, mutated files; parts of 90 minutes that resume (ARGS="year --minutes 10")'
	@echo 'make lock    write requirements.lock anew after a change in pyproject.toml (LOCK_ARGS=--upgrade for newer versions)'
	@echo 'make clean   remove .venv/ and caches; data/ stays'
	@echo
	@echo 'PYTHON=python3.12 make …   choose the Python for .venv/'
	@echo 'ARGS="…" make demo|test|bench|identity|ui|data-docs|focus-check   more arguments for the command behind it'

demo: .venv/ready
	.venv/bin/tieout demo $(ARGS)

ui: .venv/ready
	.venv/bin/tieout ui $(ARGS)

test: .venv/ready
	.venv/bin/python -m pytest -n auto --dist worksteal $(ARGS)

# pyspark lies in a folder of its own: it is half a gigabyte, and only Spark needs it.
spark_paths = PYTHONPATH=.venv-spark SPARK_HOME=$(CURDIR)/.venv-spark/pyspark SPARK_LOCAL_IP=127.0.0.1 \
	PYSPARK_PYTHON=$(CURDIR)/.venv/bin/python
spark-test: .venv/ready .venv-spark/ready
	$(spark_paths) .venv/bin/python -m pytest -n0 tests/spark/usage.py tests/spark/on_spark.py $(ARGS)

.venv-spark/ready: .venv/ready requirements-spark.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --upgrade \
		--target .venv-spark -r requirements-spark.lock
	@touch $@

# The benchmark on Spark asks for what the others do without.
bench_spark = $(if $(ARGS),$(filter spark,$(ARGS)),spark)
bench: .venv/ready $(if $(bench_spark),.venv-spark/ready)
	$(if $(bench_spark),$(spark_paths)) .venv/bin/python -m benchmarks $(ARGS)

soak: .venv/ready
	.venv/bin/python -m benchmarks.soak $(ARGS)

identity: .venv/ready
	.venv/bin/python -m benchmarks.identity $(ARGS)

# `make -k check` goes on after the first complaint.
check: check-style check-types check-sql check-imports check-spelling check-docs check-licences check-site

check-style: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

check-types: .venv/ready
	.venv/bin/mypy

check-sql: .venv/ready
	.venv/bin/sqlfluff lint --disable-progress-bar sql

check-imports: .venv/ready
	.venv/bin/lint-imports

check-spelling: .venv/ready
	.venv/bin/typos

check-docs: .venv/ready
	.venv/bin/python -m tieout.documentation --check
	.venv/bin/python -m tests.lineage --check

check-licences: .venv/ready
	.venv/bin/python -m tests.licences

# Installs everything once more, so it is no part of `check`. An image is built where a container engine is.
IMAGE_BASE = $(shell sed -n 's/^FROM \([^ ]*\) AS built/\1/p' deploy/Containerfile)
check-service: .venv/ready
	.venv/bin/python -m tests.service
	@if docker info >/dev/null 2>&1 && docker run --rm $(IMAGE_BASE) python -m pip download --quiet --no-deps --dest . uv; \
	then docker build --tag tieout --file deploy/Containerfile . && docker run --rm tieout --version; \
	else echo 'No container engine answers that reaches image and package registry, so the image was not built'; fi

# Fails on every warning: a page that is not listed, a link or an anchor that leads nowhere.
check-site site: .venv/ready
	@.venv/bin/mkdocs build --strict

docs: .venv/ready
	.venv/bin/python -m tieout.documentation
	.venv/bin/python -m tests.lineage

tutorial: .venv/ready
	.venv/bin/python -m tests.tutorial $(ARGS)

pictures: .venv/ready
	.venv/bin/python -m tests.pictures $(ARGS)

gallery: .venv/ready
	.venv/bin/python -m tests.gallery $(ARGS)

# Every version in an environment of its own; DUCKDB="1.3.2" asks for another.
DUCKDB := 1.2.2 1.4.5 1.5.6 2.0.0
DUCKDB_NODE := 1.5.6-r.1
compatibility: $(DUCKDB:%=.venv-duckdb-%/ready)
	@rm -f .venv/finance.duckdb && .venv/bin/python -m tests.compatibility.write .venv/finance.duckdb
	@for version in $(DUCKDB); do .venv-duckdb-$$version/bin/python tests/compatibility/read.py .venv/finance.duckdb || exit 1; done
	@if command -v npm >/dev/null; then $(MAKE) -s .venv-duckdb-node/ready && \
		node tests/compatibility/read.mjs .venv-duckdb-node .venv/finance.duckdb; else echo 'Node is not installed, so it was not tried'; fi

.venv-duckdb-node/ready:
	@rm -rf .venv-duckdb-node && mkdir .venv-duckdb-node
	@npm install --silent --no-save --no-package-lock --prefix .venv-duckdb-node @duckdb/node-api@$(DUCKDB_NODE)
	@touch $@

.venv-duckdb-%/ready: .venv/ready
	@.venv/bin/python -m venv --clear .venv-duckdb-$*
	@.venv-duckdb-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps duckdb==$*
	@touch $@

# Each validator in an environment of its own: the one runs on Python 3.12 alone, neither is a dependency of Tieout.
FOCUS_VALIDATOR := focus-validator==2.2.1 pyarrow<26
FOCUS_TOOLKIT := focus-data-toolkit==0.14.1
focus-check: .venv/ready .venv-focus-validator/ready .venv-focus-toolkit/ready
	.venv/bin/python -m tests.focus_check .venv-focus-validator/bin/focus-validator .venv-focus-toolkit/bin/focus-toolkit $(ARGS)

.venv-focus-validator/ready:
	@python=$$($(find_python_3_12)) && "$$python" -m venv --clear .venv-focus-validator
	@.venv-focus-validator/bin/python -m pip install --quiet --disable-pip-version-check $(foreach name,$(FOCUS_VALIDATOR),'$(name)')
	@touch $@

.venv-focus-toolkit/ready: .venv/ready
	@.venv/bin/python -m venv --clear .venv-focus-toolkit
	@.venv-focus-toolkit/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(FOCUS_TOOLKIT)
	@touch $@

# Prints the first Python 3.12.
pythons_3_12 := $(or $(PYTHON312),python3.12 python3 python $(wildcard $(HOME)/.pyenv/versions/3.12*/bin/python3.12))
find_python_3_12 = for candidate in $(pythons_3_12); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; \
		then echo "$$candidate"; exit 0; fi; \
	done; \
	echo 'focus-validator runs on Python 3.12 only; none of these is: $(pythons_3_12).' >&2; \
	echo 'Install one, or name it: make focus-check PYTHON312=/path/to/python3.12' >&2; \
	exit 1

data-docs: .venv/ready
	.venv/bin/python -m tieout.warehouse.data_docs $(ARGS)

# Versions that are locked already stay, unless LOCK_ARGS says otherwise.
lock: .venv/ready
	.venv/bin/uv pip compile pyproject.toml --group dev --system-certs --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock $(LOCK_ARGS)
	.venv/bin/uv pip compile pyproject.toml --extra spark --system-certs --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --quiet --output-file .venv/with-spark.lock $(LOCK_ARGS)
	@awk '/^[^ ]/ { spark = /^(pyspark|py4j)==/ } spark' .venv/with-spark.lock > requirements-spark.lock

clean:
	rm -rf .venv .venv-duckdb-* .venv-focus-* .venv-spark dist site .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Prints the first Python that is new enough.
pythons := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
find_python = for candidate in $(pythons); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
		then echo "$$candidate"; exit 0; fi; \
	done; \
	echo 'Tieout needs Python 3.11 or newer; none of these is: $(pythons).' >&2; \
	echo 'Install one, or name it: make PYTHON=/path/to/python3.12' >&2; \
	exit 1

# The mark comes last and the folder is made anew each time, so an interrupted set-up starts over by itself.
# uv, itself from the lock, installs the rest in seconds; where it cannot (it does not read the configuration of pip),
# pip installs the same files, checked against the same hashes.
# Compiled once, here: else every process would do it that may not write, which takes it seconds.
.venv/ready: requirements.lock pyproject.toml
	@python=$$($(find_python)) && echo "Setting up .venv with $$python (once, in less than a minute)" && "$$python" -m venv --clear .venv
	@awk '/^[^ ]/ { uv = /^uv==/ } uv' requirements.lock > .venv/uv.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
	@VIRTUAL_ENV=.venv .venv/bin/uv pip install --system-certs --quiet --compile-bytecode --require-hashes --no-deps -r requirements.lock \
		|| { echo 'uv could not install; pip does it instead, which takes about a minute'; \
		.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock; }
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch .venv/ready
