import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from data_designer.config.sampler_params import SamplerType
from data_designer.config.utils.constants import PREDEFINED_PROVIDERS
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from columns.declared import CASES_FILE, FINISHED_FILE, POLICY_FILE, read_options
from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.compile.checks.shape import KINDS, Kind, load_schema, resolve_reference
from designer_configs.compile.make_docs import main, write_page, write_pages
from indicators.technicals import INDICATORS

REGISTRY: Registry[Any] = Registry().with_resources(
    (f"{kind}.schema.json", Resource.from_contents(load_schema(kind))) for kind in KINDS
)


def walk(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for value in schema.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from walk(part)


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_and_examples_are_what_their_schema_asks_for(kind: Kind) -> None:
    root = load_schema(kind)
    for part in walk(root):
        given = [*([part["default"]] if "default" in part else []), *part.get("examples", [])]
        if given and isinstance(given[0], dict) and "required" in part and not given[0]:
            continue
        schema = {"$schema": root["$schema"], "$defs": root.get("$defs", {}), **part}
        validator = Draft202012Validator(schema, registry=REGISTRY)
        assert [value for value in given if not validator.is_valid(value)] == []


@pytest.mark.parametrize("kind", ["profile", "control"])
def test_every_key_is_described(kind: Kind) -> None:
    root = load_schema(kind)
    for part in walk(root):
        for name, declared in part.get("properties", {}).items():
            if isinstance(declared, dict) and {"type", "enum", "$ref"} & set(declared):
                assert resolve_reference(declared, root).get("description") or "errorMessage" in declared, name


def test_every_shipped_file_opens_with_the_line_by_which_an_editor_finds_its_schema() -> None:
    project = Project(PROJECT_ROOT)
    kinds: dict[Path, Kind] = dict.fromkeys(project.profiles.values(), "profile")
    kinds |= dict.fromkeys(PROJECT_ROOT.glob("columns/**/controls/*.yaml"), "control")
    kinds |= dict.fromkeys(PROJECT_ROOT.glob("columns/*/exports/*.yaml"), "export")
    for path in project.datasets.values():
        kinds |= dict.fromkeys(project.find_columns(path.parent).values(), "column")
        kinds[path] = "dataset"
        named: dict[str, Kind] = {FINISHED_FILE: "finished", CASES_FILE: "cases", POLICY_FILE: "policy"}
        kinds |= {file: kind for name, kind in named.items() if (file := path.parent / name).is_file()}
    assert len(kinds) > 100
    for path, kind in kinds.items():
        schema = os.path.relpath(PROJECT_ROOT / f"designer_configs/schema/{kind}.schema.json", path.parent)
        line = path.read_text(encoding="utf-8").partition("\n")[0]
        assert line == f"# yaml-language-server: $schema={schema}", path


def test_nvidia_is_as_data_designer_has_it() -> None:
    (nvidia,) = [provider for provider in PREDEFINED_PROVIDERS if provider["name"] == "nvidia"]
    branches = load_schema("profile")["properties"]["provider"]["allOf"]
    (branch,) = [
        branch for branch in branches if branch["if"].get("properties", {}).get("name", {}).get("const") == "nvidia"
    ]
    assert branch["then"]["properties"]["endpoint"]["default"] == nvidia["endpoint"]
    assert branch["then"]["properties"]["api_key_env"]["default"] == nvidia["api_key"]


def test_the_samplers_are_those_of_data_designer() -> None:
    assert load_schema("column")["$defs"]["sampler_type"]["enum"] == sorted(kind.value for kind in SamplerType)


def test_the_indicators_are_those_that_are_computed() -> None:
    indicators = read_options(PROJECT_ROOT / "columns/trade_log")["indicators"]
    assert indicators["items"]["enum"] == indicators["default"]
    assert sorted(indicators["default"]) == sorted(INDICATORS)


def test_the_pages_are_up_to_date() -> None:
    assert [page.name for page, text in write_pages().items() if page.read_text(encoding="utf-8") != text] == []
    assert main(["--check"]) == 0


def test_the_page_has_a_row_for_every_key() -> None:
    page = write_page()
    for key in (
        "`run.max_tokens`",
        "`models.*.inference_parameters.timeout`",
        "`controls[].from_gold.bins`",
        "`match.widest`",
    ):
        assert f"| {key} |" in page
    assert "| `60` | seconds | Time that one request may take. | `60` |" in page
