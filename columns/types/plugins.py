"""Entry points: the column types this project adds to Data Designer."""

from data_designer.engine.utils import token_counting
from data_designer.plugins.plugin import Plugin, PluginType

from columns.types.quiet import CharacterCount, silence_libraries

silence_libraries()
token_counting.get_cl100k_base_tokenizer = CharacterCount  # the library would fetch an encoding from the network


def _describe(module: str, name: str) -> Plugin:
    return Plugin(
        config_qualified_name=f"columns.types.configs.{name}ColumnConfig",
        impl_qualified_name=f"columns.types.{module}.{name}ColumnGenerator",
        plugin_type=PluginType.COLUMN_GENERATOR,
    )


gold_examples = _describe("gold_examples", "GoldExamples")
computed = _describe("computed", "Computed")
derived = _describe("derived", "Derived")
row_checks = _describe("row_checks", "RowChecks")
scoped_edit = _describe("scoped_edit", "ScopedEdit")
