"""dbt's `target` for the SQL linter: the profile's default one."""

name = "duckdb"
type = "duckdb"  # noqa: A001  (the name that dbt gives it)
schema = "main"
