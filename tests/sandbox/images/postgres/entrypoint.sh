#!/bin/bash
# Starts PostgreSQL. The first start makes the database that POSTGRES_* variables describe, and runs the files of
# /docker-entrypoint-initdb.d on it.
set -eo pipefail

say() {
	printf '%s: %s\n' "$0" "$*" >&2
}

# setting NAME [DEFAULT]: NAME, or the content of the file that NAME_FILE names, or the default. Never both.
setting() {
	local name=$1 file="${1}_FILE"
	if [ -n "${!name}" ] && [ -n "${!file}" ]; then
		say "$name and $file are both set: choose one"
		exit 1
	fi
	local value="${!name:-${2:-}}"
	if [ -n "${!file}" ]; then
		value=$(<"${!file}")
	fi
	export "$name=$value"
	unset "$file"
}

# Makes the files of an empty cluster. Its owner's password travels through a pipe.
make_cluster() {
	local -a more
	# The arguments are a shell's words, quotes included.
	eval "more=(${POSTGRES_INITDB_ARGS:-})"
	[ -z "${POSTGRES_INITDB_WALDIR:-}" ] || more+=(--waldir "$POSTGRES_INITDB_WALDIR")
	initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile <(printf '%s\n' "$POSTGRES_PASSWORD") "${more[@]}"
	printf "\nlisten_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
	local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption -D "$PGDATA")}
	printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

# Runs SQL on the server that is up only for the first start.
query() {
	PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" "$@"
}

run_files() {
	local file
	for file in /docker-entrypoint-initdb.d/*; do
		[ -e "$file" ] || continue
		say "running $file"
		case "$file" in
		*.sh)
			if [ -x "$file" ]; then
				"$file"
			else
				# shellcheck disable=SC1090
				. "$file"
			fi
			;;
		*.sql) query --dbname "$POSTGRES_DB" --file "$file" ;;
		*.sql.gz) gunzip --stdout "$file" | query --dbname "$POSTGRES_DB" ;;
		*) say "ignored: $file" ;;
		esac
	done
}

first_start() {
	if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
		say "the database has no password: set POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) to one"
		exit 1
	fi
	make_cluster
	export PGPASSWORD="${PGPASSWORD:-$POSTGRES_PASSWORD}"
	# Without arguments `printf` would make an empty one of its own.
	local options=''
	[ $# = 0 ] || options=$(printf '%q ' "$@")
	# Nobody can reach this server over the network.
	pg_ctl --pgdata "$PGDATA" --wait --options "$options -c listen_addresses='' -p 5432" start
	if [ "$POSTGRES_DB" != postgres ]; then
		query --dbname postgres --set db="$POSTGRES_DB" <<<'create database :"db"'
	fi
	run_files
	pg_ctl --pgdata "$PGDATA" --wait --mode fast stop
	unset PGPASSWORD
	say "the database is ready for its start"
}

[ "${1:0:1}" != - ] || set -- postgres "$@"

if [ "${1:-}" = postgres ]; then
	for argument in "$@"; do
		case "$argument" in
		-\? | --help | --describe-config | -V | --version) exec "$@" ;;
		esac
	done
	mkdir -p "$PGDATA" /var/run/postgresql
	if [ "$(id -u)" = 0 ]; then
		find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres '{}' +
		chmod 700 "$PGDATA"
		chmod 3775 /var/run/postgresql 2>/dev/null || true
		exec chroot --userspec=postgres:postgres --skip-chdir / "$0" "$@"
	fi
	chmod 700 "$PGDATA" 2>/dev/null || true
	if [ ! -s "$PGDATA/PG_VERSION" ]; then
		setting POSTGRES_PASSWORD
		setting POSTGRES_USER postgres
		setting POSTGRES_DB "$POSTGRES_USER"
		setting POSTGRES_INITDB_ARGS
		first_start "${@:2}"
	fi
fi
exec "$@"
