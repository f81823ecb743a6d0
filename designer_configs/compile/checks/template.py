"""Is a Jinja template one that Data Designer will render, from columns that are there by then?"""

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from data_designer.engine.processing.ginja.environment import UserTemplateSandboxEnvironment
from data_designer.engine.processing.ginja.exceptions import UserTemplateError
from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from designer_configs.compile.checks.shape import suggest

Finding = tuple[int, str]  # line of the text, counted from 1, and what is wrong there
_SINGLE_BRACES = re.compile(r"(?<!\{)\{\s*([A-Za-z_]\w*(?:\.\w+)*)\s*\}")


def check_template(
    text: str,
    available: Collection[str],
    elsewhere: Mapping[str, str] = MappingProxyType({}),
    *,
    condition: bool = False,
) -> list[Finding]:
    """List what is wrong with a template.

    Args:
        text: The template.
        available: Columns that are there when it is rendered.
        elsewhere: Columns that are not, and why.
        condition: It is a `skip.when`, which Data Designer evaluates with all of Jinja's filters; prompts and
            expressions are rendered by its restricted engine.
    """
    return list(_check_once(text, tuple(available), tuple(elsewhere.items()), condition))


@functools.lru_cache(maxsize=512)
def _check_once(
    text: str, available: tuple[str, ...], elsewhere: tuple[tuple[str, str], ...], condition: bool
) -> tuple[Finding, ...]:
    """Check a template once: profiles of one dataset share them."""
    plain = SandboxedEnvironment()
    engine: Any = plain if condition else UserTemplateSandboxEnvironment(allowed_references=list(available))
    try:
        tree = plain.parse(text)
    except (TemplateSyntaxError, ValueError, RecursionError) as exc:
        return ((getattr(exc, "lineno", 1), f"not a valid Jinja template: {exc}"),)
    findings = [
        *_find_unknown(tree, nodes.Filter, engine.filters, plain.filters),
        *_find_unknown(tree, nodes.Test, engine.tests, plain.tests),
        *_find_single_braces(text),
        *_find_unknown_columns(tree, available, dict(elsewhere)),
    ]
    if condition and not meta.find_undeclared_variables(tree):
        findings.append((1, "names no column: a condition has its braces, such as {{ not trade_checks.passed }}"))
    if not findings and not condition:
        try:
            engine.validate_template(text)
        except UserTemplateError as exc:
            refused = "set, macro, block, include, nested loops and very long templates are not rendered"
            findings.append((1, f"Data Designer refuses the template: {exc} ({refused})"))
    return tuple(sorted(findings))


@functools.lru_cache(maxsize=512)
def find_columns(text: str) -> frozenset[str]:
    """Name the columns that a template reads; none where it cannot be parsed."""
    try:
        return frozenset(meta.find_undeclared_variables(SandboxedEnvironment().parse(text)))
    except (TemplateSyntaxError, ValueError, RecursionError):
        return frozenset()


def _find_single_braces(text: str) -> Iterator[Finding]:
    for match in _SINGLE_BRACES.finditer(text):
        name, line = match.group(1), text.count("\n", 0, match.start()) + 1
        yield line, f"{{{name}}} is plain text to Data Designer: write {{{{ {name} }}}}"


def _find_unknown(
    tree: nodes.Template, kind: type[nodes.Filter | nodes.Test], known: Collection[str], parsed: dict[str, Any]
) -> Iterator[Finding]:
    """Find filters or tests that the engine lacks; they join the parsing environment's, which would stop at them."""
    known = set(known)
    for node in tree.find_all(kind):
        parsed.setdefault(node.name, str)
        if node.name not in known:
            what = kind.__name__.lower()
            yield node.lineno, f"Data Designer has no {what} {node.name}; {suggest(node.name, sorted(known))}"


def _find_unknown_columns(
    tree: nodes.Template, available: Collection[str], elsewhere: Mapping[str, str]
) -> Iterator[Finding]:
    for name in sorted(meta.find_undeclared_variables(tree) - set(available)):
        line = min(node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
        yield line, f"the column {name} {elsewhere.get(name) or 'does not exist'}; {suggest(name, sorted(available))}"
