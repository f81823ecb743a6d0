"""Versions of the library: those that were tried are known, others are warned of, and none is half patched."""

from types import SimpleNamespace

import pytest

from jobs.errors import BackendError
from jobs.library import versions
from jobs.library.shim import check_library
from jobs.library.speed import PARTS, list_targets
from jobs.library.versions import TRIED, describe_untried, find_untried, hash_source, is_as_read, require


class Owner:
    def old(self) -> int:
        return 1

    @property
    def made(self) -> int:
        return 2


def test_the_installed_version_has_what_a_run_needs_and_every_part_of_a_tried_one_is_as_read() -> None:
    check_library()
    if find_untried() is None:
        assert all(is_as_read([target]) for target in list_targets())


def test_an_untried_version_is_named_with_those_that_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "version", lambda _: "1.0.1")
    assert find_untried() == "1.0.1"
    assert "1.0.1 was not tried" in describe_untried("1.0.1")
    assert all(name in describe_untried("1.0.1") for name in TRIED)


def test_what_has_changed_or_is_gone_is_not_as_read() -> None:
    assert hash_source(Owner, "old") != hash_source(SimpleNamespace(old=lambda _: 2), "old")
    assert hash_source(Owner, "made") is not None
    assert hash_source(Owner, "gone") is None
    assert not is_as_read([(Owner, "old")])


def test_what_is_needed_and_not_there_is_named() -> None:
    with pytest.raises(BackendError, match=r"Owner.gone is not there"):
        require(Owner, "gone")
    with pytest.raises(BackendError, match=r"Owner.old takes no other"):
        require(Owner, "old", "other")


def test_a_part_is_named_with_what_it_patches() -> None:
    assert all(part.targets for name, part in PARTS.items() if name != "garbage collected seldom")
