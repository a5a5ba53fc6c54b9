#!/bin/sh
# Dumps the database as its owner. A dump gets its final name only when it is whole and its table of contents can be read.
set -eu
umask 077
cd /backup
# Network policies take a moment to let a new pod through
for _ in 1 2 3 4 5 6 7 8 9 10; do
    ! pg_isready --quiet --timeout=5 || break
    sleep 1
done
name=$(date -u +%Y%m%dT%H%M%SZ)
trap 'rm -f "$name.partial"' EXIT
pg_dump --format=custom --no-password --file="$name.partial"
pg_restore --list "$name.partial" > /dev/null
mv "$name.partial" "$name.dump"
sha256sum "$name.dump" > "$name.dump.sha256"
ln -sf "$name.dump" latest.dump
ls -l "$name.dump"

# Only dumps that were named here are ever removed
ls | grep -E '^[0-9]{8}T[0-9]{6}Z\.dump$' | sort -r | tail -n "+$((KEEP + 1))" | while read -r old; do
    rm -f "$old" "$old.sha256"
done
