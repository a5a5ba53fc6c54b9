# What the scripts of Redis and of its Sentinel share: who they are, and who is the master.
OWN=$(hostname).${SERVERS#*.}
OWN=${OWN%% *}
STATE=/data/sentinel/sentinel.conf

hash() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }

# A value as configuration files take it
quoted() { printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"; }

# One of the servers, or nothing
known() { case " $SERVERS " in *" $1 "*) echo "$1" ;; esac; }

# sentinel SERVER COMMAND…
sentinel() {
    server=$1
    shift
    timeout 2 redis-cli -h "$server" -p 26379 sentinel "$@" 2> /dev/null || true
}

# COUNT MASTER: whom most Sentinels name; nothing when none answers
named() {
    {
        for server in $SERVERS; do
            known "$(sentinel "$server" get-master-addr-by-name "$MASTER" | head -n 1)" &
        done
        wait
    } | sort | uniq -c | sort -rn | head -n 1
}

# Whom the Sentinel of this pod knew last; nothing before its first start
remembered() {
    [ ! -e "$STATE" ] || known "$(sed -n "s/^sentinel monitor $MASTER \([^ ]*\) .*/\1/p" "$STATE" | tr -d '"')"
}
