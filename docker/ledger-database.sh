#!/bin/sh
# The ledger's user and database, beside Airflow's. Run by the PostgreSQL image when its data folder is new.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$HUIZONG_DB_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE USER huizong PASSWORD :'password';
CREATE DATABASE huizong OWNER huizong ENCODING 'UTF8' TEMPLATE template0;
SQL
