#!/bin/sh
# Writes the application's role with its password to memory, then becomes the pooler.
set -eu
umask 077
quoted() { printf %s "$1" | sed 's/"/""/g'; }
printf '"%s" "%s"\n' "$(quoted "$APPLICATION_USER")" "$(quoted "$APPLICATION_PASSWORD")" > /run/pgbouncer/users.txt
unset APPLICATION_PASSWORD
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
