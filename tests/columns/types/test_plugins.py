"""The column types are found by Data Designer under their own names."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from data_designer.config.config_builder import BuilderConfig
from data_designer.plugins.plugin import Plugin

OURS = ["computed", "gold-examples", "row-checks", "scoped-edit"]


def load_plugin(name: str) -> Plugin:
    (entry,) = entry_points(group="data_designer.plugins", name=name)
    return entry.load()


@pytest.mark.parametrize("name", OURS)
def test_entry_point_leads_to_its_config_and_its_generator(name: str) -> None:
    plugin = load_plugin(name)
    assert plugin.name == name
    assert plugin.impl_cls.get_config_type() is plugin.config_cls


@pytest.mark.parametrize("name", OURS)
def test_data_designer_reads_a_declaration_of_the_type(name: str) -> None:
    declared = {"name": "some_column", "column_type": name, "gold": "some/gold", "function": "compute"}
    declared = {key: value for key, value in declared.items() if key in load_plugin(name).config_cls.model_fields}
    (column,) = BuilderConfig.model_validate({"data_designer": {"columns": [declared]}}).data_designer.columns
    assert isinstance(column, load_plugin(name).config_cls)


def test_configs_can_be_the_first_thing_imported() -> None:
    subprocess.run([sys.executable, "-c", "import columns.types.configs"], check=True)
