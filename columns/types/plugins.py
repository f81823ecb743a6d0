"""Entry points: the column types this project adds to Data Designer."""

from data_designer.plugins.plugin import Plugin, PluginType

from columns.types.quiet import silence_libraries

silence_libraries()

gold_examples = Plugin(
    config_qualified_name="columns.types.configs.GoldExamplesColumnConfig",
    impl_qualified_name="columns.types.gold_examples.GoldExamplesColumnGenerator",
    plugin_type=PluginType.COLUMN_GENERATOR,
)
trade_rules = Plugin(
    config_qualified_name="columns.types.configs.TradeRulesColumnConfig",
    impl_qualified_name="columns.types.computed.TradeRulesColumnGenerator",
    plugin_type=PluginType.COLUMN_GENERATOR,
)
trade_checks = Plugin(
    config_qualified_name="columns.types.configs.TradeChecksColumnConfig",
    impl_qualified_name="columns.types.row_checks.TradeChecksColumnGenerator",
    plugin_type=PluginType.COLUMN_GENERATOR,
)
scoped_edit = Plugin(
    config_qualified_name="columns.types.configs.ScopedEditColumnConfig",
    impl_qualified_name="columns.types.scoped_edit.ScopedEditColumnGenerator",
    plugin_type=PluginType.COLUMN_GENERATOR,
)
