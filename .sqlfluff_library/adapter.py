"""dbt's `adapter` for the SQL linter, which expands macros without dbt: DuckDB's variant, else the default one."""

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str, _package: str | None = None) -> Callable[..., Any]:
    """The variant of a dispatched macro, out of the file that dispatches it."""
    for variant in (f"duckdb__{name}", f"default__{name}"):
        if variant in context:
            return context[variant]
    raise LookupError(f"no variant of macro {name} stands beside its dispatch")
