#!/bin/sh
# Makes the database where there is none, and runs it.
set -eu
if ! [ -s "$PGDATA/PG_VERSION" ]; then
	initdb --username=ledger --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 --no-sync
	echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
	echo "create database ledger" | postgres --single postgres >/dev/null
	echo "create table entries (number bigserial primary key, account text not null, amount bigint not null)" |
		postgres --single ledger >/dev/null
fi
exec postgres -c listen_addresses='*'
