#!/bin/sh
# Proves the newest dump on the volume again, since one that was good when it was made may have rotted there: by its checksum, and by restoring it into a
# scratch database and comparing with its manifest. What came of it is the container's last words, as of a backup. The volume is only read.
set -eu
. "$(dirname "$0")/restoring.sh"
dump=$(dumps | head -n 1)
if [ -z "$dump" ]; then
    echo "there is no dump on the volume to prove" >&2
    exit 1
fi
manifest=${dump%.dump}.manifest
for beside in "$dump.sha256" "$manifest"; do
    [ -s "$beside" ] || { echo "$beside is missing or empty: what $dump should hold can't be told" >&2; exit 1; }
done
sha256sum --check --quiet "$dump.sha256" || { echo "$dump is no longer what it was when it was made" >&2; exit 1; }
began=$(date +%s)
restore_and_compare "$dump" "$manifest"
printf '{"schema":"apimgmt.restore-proof/v1",%s,"dumpedAt":"%s","restoredAt":"%s","restoreSeconds":%s}' \
    "$(contents "$dump" "$manifest" "$(cut -c 1-64 "$dump.sha256")")" \
    "$(echo "$dump" | sed -E 's/^(.{4})(..)(..)T(..)(..)(..)Z\.dump$/\1-\2-\3T\4:\5:\6Z/')" \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(($(date +%s) - began))" | tee /dev/termination-log
