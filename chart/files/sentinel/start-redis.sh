#!/bin/sh
# Writes the users with their passwords' hashes and the configuration to memory, then becomes the server: the master if
# that is what the Sentinels say, else a replica of the one that they name.
set -eu
umask 077
. /etc/redis/master.sh
cat > /run/redis/users.acl <<ACL
user default on #$(hash "$REDIS_PASSWORD") ~* &* +@all
user $APPLICATION_USER on #$(hash "$REDIS_APPLICATION_PASSWORD") $APPLICATION_ACL
user $MONITOR_USER on #$(hash "$REDIS_MONITOR_PASSWORD") $MONITOR_ACL
user replication on #$(hash "$REDIS_REPLICATION_PASSWORD") &* -@all +psync +replconf +ping +multi +exec +slaveof +subscribe +publish +config|rewrite +role +info +client|setname +client|kill +script|kill
ACL

# A quorum of one opinion; after some tries the opinion of fewer, then what was true before, then the first server.
master=
tries=0
while [ -z "$master" ]; do
    set -- $(named)
    tries=$((tries + 1))
    if [ "${1:-0}" -ge "$QUORUM" ] || [ "$tries" -ge 10 ]; then
        master=${2:-$(remembered)}
        master=${master:-${SERVERS%% *}}
    else
        sleep 1
    fi
done

# A master that comes back without its data would have its replicas drop theirs: rather one of them takes over.
holds_data() { [ -s /data/dump.rdb ] || [ -n "$(ls /data/appendonlydir 2> /dev/null)" ]; }
has_replicas() { for server in $SERVERS; do sentinel "$server" replicas "$MASTER"; done | grep -q master-link-status; }
if [ "$master" = "$OWN" ] && ! holds_data && has_replicas; then
    echo "the Sentinels call this server the master, but its data is gone: waiting until they name another" >&2
    tries=0
    while [ "$master" = "$OWN" ] && [ "$tries" -lt 60 ]; do
        sleep 1
        tries=$((tries + 1))
        set -- $(named)
        [ "${1:-0}" -lt "$QUORUM" ] || master=$2
    done
fi

# Sentinels have it rewritten, so it is a copy
{
    cat /etc/redis/redis.conf
    echo
    echo "masteruser replication"
    echo "masterauth $(quoted "$REDIS_REPLICATION_PASSWORD")"
    echo "replica-announce-ip $OWN"
    echo "replica-announce-port 6379"
    if [ "$master" = "$OWN" ]; then
        echo "starting as the master" >&2
    else
        echo "replicaof $master 6379"
        echo "starting as a replica of $master" >&2
    fi
} > /run/redis/redis.conf
exec redis-server /run/redis/redis.conf
