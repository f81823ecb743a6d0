"""The page of mendings has every one, in the table's words."""

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.checks.shape import load_schema
from jobs.reading.mendings import EVERY, MENDINGS, allow_mendings

PAGE = (PROJECT_ROOT / "docs/reading-answers.md").read_text(encoding="utf-8")


def test_page_has_every_mending() -> None:
    missing = [
        name for name, what in MENDINGS.items() if f"| `{name}` | {what.replace('|', chr(92) + '|')} |" not in PAGE
    ]
    assert missing == []


def test_profile_knows_every_mending() -> None:
    names = load_schema("profile")["properties"]["unmended"]["items"]["enum"]
    assert names == [EVERY, *MENDINGS]


def test_mendings_are_switched_off_by_name_or_all_together() -> None:
    assert allow_mendings([]) == set(MENDINGS)
    assert allow_mendings(["fence"]) == set(MENDINGS) - {"fence"}
    assert allow_mendings(["fence", EVERY]) == set()
