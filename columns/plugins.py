"""Entry points: the column types this project adds to Data Designer."""

from data_designer.plugins.plugin import Plugin, PluginType

from columns.quiet import silence_libraries

silence_libraries()

gold_examples = Plugin(
    config_qualified_name="columns.configs.GoldExamplesColumnConfig",
    impl_qualified_name="columns.gold_examples.GoldExamplesColumnGenerator",
    plugin_type=PluginType.COLUMN_GENERATOR,
)
trade_rules = Plugin(
    config_qualified_name="columns.configs.TradeRulesColumnConfig",
    impl_qualified_name="columns.trade_rules.TradeRulesColumnGenerator",
    plugin_type=PluginType.COLUMN_GENERATOR,
)
trade_checks = Plugin(
    config_qualified_name="columns.configs.TradeChecksColumnConfig",
    impl_qualified_name="columns.trade_checks.TradeChecksColumnGenerator",
    plugin_type=PluginType.COLUMN_GENERATOR,
)
scoped_edit = Plugin(
    config_qualified_name="columns.configs.ScopedEditColumnConfig",
    impl_qualified_name="columns.scoped_edit.ScopedEditColumnGenerator",
    plugin_type=PluginType.COLUMN_GENERATOR,
)
