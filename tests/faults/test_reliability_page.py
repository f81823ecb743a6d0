"""The page on reliability names only tests that exist, and every test of a fault."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs/reliability.md"
OF_NO_FAULT = {
    "test_run_gives_exactly_what_was_asked",
    "test_run_that_begins_in_vain_ends_with_its_first_round",
    "test_seconds_of_a_request_are_those_from_sending_to_answer",
    "test_port_hears_of_who_calls",
    "test_cap_on_tokens_within_a_job_leaves_the_rest_unfinished",
}


def list_tests(folder: Path) -> set[str]:
    files = [path for path in folder.rglob("test_*.py") if path != Path(__file__)]
    return {name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}


def test_page_names_every_test_of_a_fault_and_no_other() -> None:
    page, own, all_tests = PAGE.read_text(encoding="utf-8"), list_tests(FOLDER), list_tests(FOLDER.parent)
    named = set(re.findall(r"`(test_\w+)`", page))
    assert named - all_tests == set()
    assert named & own == own - OF_NO_FAULT
