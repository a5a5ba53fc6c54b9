#!/bin/sh
# Writes the users with their passwords' hashes to memory, then becomes the server.
set -eu
umask 077
hash() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
cat > /run/redis/users.acl <<ACL
user default on #$(hash "$REDIS_PASSWORD") ~* &* +@all
user $APPLICATION_USER on #$(hash "$REDIS_APPLICATION_PASSWORD") $APPLICATION_ACL
user $MONITOR_USER on #$(hash "$REDIS_MONITOR_PASSWORD") $MONITOR_ACL
ACL
exec redis-server /etc/redis/redis.conf
