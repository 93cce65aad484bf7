#!/usr/bin/env bash
# backup.sh FOLDER: the home and Dagster's database as they are at one moment, into a folder that is not there yet.
# Reads QAMTU_HOME and QAMTU_DAGSTER_POSTGRES. Stop qamtu-daemon first, so that the queue starts no run meanwhile.
set -euo pipefail

to=${1:?usage: backup.sh FOLDER}
: "${QAMTU_HOME:?}" "${QAMTU_DAGSTER_POSTGRES:?}"
# Without the driver that it names for Dagster.
database=${QAMTU_DAGSTER_POSTGRES/+psycopg2/}

# As `qamtu run` does: no other can begin. The lake's lock is that of ingestion and of builds.
mkdir -p "$QAMTU_HOME/lake"
exec 8>>"$QAMTU_HOME/.run.lock" 9>>"$QAMTU_HOME/lake/.lock"
flock --nonblock 8 && flock --nonblock 9 || { echo "backup.sh: a run is at work on $QAMTU_HOME; wait for it" >&2; exit 1; }
going=$(psql --no-psqlrc --tuples-only --no-align --dbname "$database" \
    --command "select count(*) from runs where status in ('STARTING', 'STARTED', 'CANCELING')")
[ "$going" = 0 ] || { echo "backup.sh: $going runs are at work; stop qamtu-daemon and wait for them" >&2; exit 1; }

mkdir "$to"
pg_dump --format=custom --no-owner --file "$to/dagster.dump" --dbname "$database"
# Times of change stay, by which what stands is known.
cp --archive --reflink=auto "$QAMTU_HOME" "$to/home"
touch "$to/complete"
echo "backup.sh: $to"
