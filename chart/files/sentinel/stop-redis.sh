#!/bin/sh
# Before the master stops, one of its replicas takes over: nobody waits until the Sentinels miss it.
set -eu
. /etc/redis/master.sh
is_master() { [ "$(redis-cli role | head -n 1)" = master ]; }
handed_over() {
    for server in $SERVERS; do
        # The Sentinel of this pod stops, too
        [ "$server" != "$OWN" ] || continue
        [ "$(sentinel "$server" failover "$MASTER")" != OK ] || return 0
    done
    return 1
}
is_master && handed_over || exit 0
tries=0
while is_master && [ "$tries" -lt 15 ]; do
    sleep 1
    tries=$((tries + 1))
done
