"""What a dataset says of families: is there such a key, and are there such columns?"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from designer_configs.compile.checks.shape import suggest
from designer_configs.compile.checks.yaml_source import YamlSource
from designer_configs.errors import Problem


def check_families(source: YamlSource, options: Mapping[str, Any], planned: Collection[str]) -> Iterator[Problem]:
    """Check what `dataset.yaml` says of families; `planned` are the plan's columns, and all controls there are."""
    families = source.data.get("families")
    if families is None:
        return
    whole = [key for key, schema in options.items() if schema.get("type") == "integer" and "default" in schema]
    if families["size"] not in whole:
        message = f"no whole number of options.schema.json with a default; {suggest(families['size'], whole)}"
        yield source.report(("families", "size"), message)
    named = [(("families", "shared", place), name) for place, name in enumerate(families["shared"])]
    named += [(("families", "where", name), name) for name in families.get("where", {})]
    for path, name in named:
        if name not in planned:
            yield source.report(path, f"no column {name} is drawn in plan; {suggest(name, planned)}")
