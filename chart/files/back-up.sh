#!/bin/sh
# Dumps the database as its owner, writes down what is in it, and proves the dump by restoring it into a scratch database and comparing. What came of it
# is the container's last words, which outlive the container: they need no permission, and no other program in the image.
# A dump gets its final name only when it is whole and proven.
set -eu
. "$(dirname "$0")/restoring.sh"
name=$(date -u +%Y%m%dT%H%M%SZ)
trap 'rm -f "$name.partial"; clean_up' EXIT

# The dump and the manifest are of one snapshot
began=$(date +%s)
export WORK=$work PARTIAL=$name.partial
ask <<'SQL'
\getenv work WORK
begin isolation level repeatable read read only;
select pg_export_snapshot() as snapshot \gset
\setenv SNAPSHOT :snapshot
\! pg_dump --format=custom --no-password --snapshot="$SNAPSHOT" --file="$PARTIAL" && touch "$WORK/dumped"
\o :work/manifest
\i :work/manifest.sql
\o
commit;
SQL
[ -e "$work/dumped" ] || { echo "the dump was not made" >&2; exit 1; }
pg_restore --list "$name.partial" > /dev/null
# Until it is proven a dump has no final name; one that can't be proven is kept for a look, until the next
rm -f ./*.unproven
mv "$name.partial" "$name.unproven"
checksum=$(sha256sum "$name.unproven" | cut -c 1-64)
dumped=$(date +%s)

restored=null seconds=0
if [ "${PROVE_RESTORE:-true}" = true ]; then
    restore_and_compare "$name.unproven" "$work/manifest"
    restored=\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"
    seconds=$(($(date +%s) - dumped))
fi
mv "$name.unproven" "$name.dump"
mv "$work/manifest" "$name.manifest"
echo "$checksum  $name.dump" > "$name.dump.sha256"
sha256sum --check --quiet "$name.dump.sha256"
ln -sf "$name.dump" latest.dump

# Only dumps that were named here are ever removed
dumps | tail -n "+$((KEEP + 1))" | while read -r old; do
    rm -f "$old" "$old.sha256" "${old%.dump}.manifest"
done
printf '{"schema":"apimgmt.backup/v1",%s,"dumpedAt":"%s","dumpSeconds":%s,"restoredAt":%s,"restoreSeconds":%s,"kept":%s}' \
    "$(contents "$name.dump" "$name.manifest" "$checksum")" \
    "$(date -u -d "@$began" +%Y-%m-%dT%H:%M:%SZ)" "$((dumped - began))" "$restored" "$seconds" "$(dumps | wc -l)" | tee /dev/termination-log
