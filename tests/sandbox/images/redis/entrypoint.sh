#!/bin/sh
# Starts Redis. Options or a configuration file alone stand for `redis-server` with them.
set -eu

case "${1:-}" in
-* | *.conf) set -- redis-server "$@" ;;
esac

if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
	find . ! -user redis -exec chown redis '{}' +
	exec chroot --userspec=redis:redis --skip-chdir / "$0" "$@"
fi

# The data is nobody else's business.
if [ "$1" = redis-server ] && [ "$(umask)" = 0022 ]; then
	umask 0077
fi
exec "$@"
