"""dbt's own macros for the SQL linter, as far as the project uses them."""


def type_string() -> str:
    """Name of the text type."""
    return "varchar"


def string_literal(text: str) -> str:
    """A text in quotes."""
    return f"'{text}'"


def escape_single_quotes(text: str) -> str:
    """A text that can stand in quotes."""
    return text.replace("'", "''")
