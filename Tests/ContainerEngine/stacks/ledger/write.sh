#!/bin/sh
# Writes transactions of two rows each, without end.
PGPASSWORD=$(cat "$PASSWORD_FILE")
export PGPASSWORD
trap 'exit 0' TERM
while :; do
	psql -q -h database -U ledger -d ledger \
		-c "insert into entries (account, amount) values ('left', 1), ('right', -1)" || echo "the database does not answer"
	sleep 0.2
done
