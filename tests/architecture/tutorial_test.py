"""How the commands and samples of README and tutorial are found; `make tutorial` runs them."""

from tests.tutorial import PAGES, ROOT, commands, likeness, samples

PAGE = """
Run `tieout run --home mine`, or `tieout sql`, or read `x.md`.

```bash
make demo    # a minute
.venv/bin/tieout doctor --home mine
```

```text
Built 4 weeks in 51 s: $1,234.50.
```
"""


def test_the_commands_of_a_page_come_in_order_and_without_remarks() -> None:
    assert list(commands(PAGE)) == ["tieout run --home mine", "make demo", "tieout doctor --home mine"]


def test_a_sample_is_like_what_has_other_figures_only() -> None:
    [sample] = samples(PAGE)
    assert likeness(sample).search("Built 12 weeks in 7 s: $9.00.")
    assert not likeness(sample).search("Built 12 months in 7 s: $9.00.")
    assert likeness("Report: …/a-1.html").search("Report: /x/y/a-22.html")


def test_both_pages_have_commands_and_samples_to_run() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert len(list(commands(text))) >= 5
        assert list(samples(text))
