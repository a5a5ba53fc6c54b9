#!/bin/sh
# Writes the Sentinel's users to memory and its configuration to the volume, where it keeps what it learns (who is the
# master, which term it is, for whom it voted), then becomes the Sentinel.
set -eu
umask 077
. /etc/redis/master.sh
mkdir -p /data/sentinel
cat > /run/sentinel/users.acl <<ACL
user default on #$(hash "$REDIS_PASSWORD") ~* &* +@all
user $APPLICATION_USER on #$(hash "$REDIS_APPLICATION_PASSWORD") &* -@all +@connection -@dangerous +subscribe +psubscribe +unsubscribe +punsubscribe +role +info +sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|slaves +sentinel|sentinels +sentinel|ckquorum +sentinel|myid
user replication on #$(hash "$REDIS_REPLICATION_PASSWORD") &* -@all +ping +publish +client|setname +info +sentinel|is-master-down-by-addr
ACL

# What it learnt holds only for these servers
learnt=/run/sentinel/learnt
: > "$learnt"
master=$(remembered)
if [ -n "$master" ]; then
    grep -E "^sentinel (myid|current-epoch|(config-epoch|leader-epoch|known-replica|known-slave|known-sentinel) $MASTER) " "$STATE" > "$learnt" || true
else
    set -- $(named)
    master=${2:-${SERVERS%% *}}
fi
{
    cat /etc/redis/sentinel.conf
    echo
    echo "sentinel announce-ip $OWN"
    echo "sentinel sentinel-pass $(quoted "$REDIS_REPLICATION_PASSWORD")"
    echo "sentinel monitor $MASTER $master 6379 $QUORUM"
    echo "sentinel auth-pass $MASTER $(quoted "$REDIS_REPLICATION_PASSWORD")"
    cat /etc/redis/sentinel-master.conf
    echo
    cat "$learnt"
} > "$STATE.new"
mv "$STATE.new" "$STATE"
exec redis-server "$STATE" --sentinel
