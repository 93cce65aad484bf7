"""Environment variables that a run reads, besides `QAMTU_HOME`."""

#: Folders to read deliveries from, separated as in PATH; the home's own inbox when not set.
INBOX_VARIABLE = "QAMTU_INBOX"
