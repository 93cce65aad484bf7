#!/usr/bin/env bash
# restore.sh FOLDER: what backup.sh kept, into a home that is not there yet and an empty database.
# Reads QAMTU_HOME and QAMTU_DAGSTER_POSTGRES, which need not be those of the backup.
set -euo pipefail

from=${1:?usage: restore.sh FOLDER}
: "${QAMTU_HOME:?}" "${QAMTU_DAGSTER_POSTGRES:?}"
# Without the driver that it names for Dagster.
database=${QAMTU_DAGSTER_POSTGRES/+psycopg2/}
qamtu=$(dirname "$0")/../.venv/bin/qamtu

[ -e "$from/complete" ] || { echo "restore.sh: $from is no whole backup" >&2; exit 1; }
[ ! -e "$QAMTU_HOME" ] || { echo "restore.sh: $QAMTU_HOME is there already; move it away first" >&2; exit 1; }

pg_restore --exit-on-error --single-transaction --no-owner --dbname "$database" "$from/dagster.dump"
mkdir -p "$(dirname "$QAMTU_HOME")"
cp --archive --reflink=auto "$from/home" "$QAMTU_HOME"
# The list of all releases names them by path; the current one is held against its own hashes.
"$qamtu" releases --reindex
"$qamtu" verify "$QAMTU_HOME/published/current"
