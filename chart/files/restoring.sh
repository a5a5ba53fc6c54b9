# What making a backup and proving one have in common; sourced by both. Leaves the shell in /backup, alone at work there, with a folder "$work" that goes
# when the script ends, and with it every scratch database.
umask 077
export PGTZ=UTC PGAPPNAME=apimgmt PGOPTIONS='-c statement_timeout=0'
cd /backup
work=$(mktemp -d)
# Network policies take a moment to let a new pod through
for _ in 1 2 3 4 5 6 7 8 9 10; do
    ! pg_isready --quiet --timeout=5 || break
    sleep 1
done
ask() { psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 "$@"; }
# Two at a time would clean up each other's work: a session that stays open holds a lock until this script ends, however it ends. Whoever comes second
# waits, as long as its Job may.
mkfifo "$work/hold"
ask < "$work/hold" > "$work/alone" &
holder=$!
exec 9> "$work/hold"
echo "select 'alone' from pg_advisory_lock(1634757986);" >&9
waited=0
until [ -s "$work/alone" ]; do
    kill -0 "$holder" 2> /dev/null || { rm -rf "$work"; echo "the database can't be reached" >&2; exit 1; }
    [ "$waited" != 5 ] || echo "another backup or proof is at work: waiting for its end" >&2
    waited=$((waited + 1))
    sleep 1
done
drop_scratch() {
    ask --command "select format('drop database if exists %I', datname) from pg_database
        where datname like 'apimgmt\_restore\_%' and pg_get_userbyid(datdba) = current_user" > "$work/drop.sql"
    ask --file "$work/drop.sql" || true
}
clean_up() {
    drop_scratch
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 143' TERM INT

# The dumps that were named here, the newest first
dumps() { ls | grep -E '^[0-9]{8}T[0-9]{6}Z\.dump$' | sort -r; }

# What is in a database: rows of every table with a hash that does not depend on their order, and the number of everything else.
cat > "$work/manifest.sql" <<'SQL'
select format('table %I.%I %s %s', n.nspname, c.relname, (xpath('/row/rows/text()', counted))[1], (xpath('/row/hash/text()', counted))[1])
from pg_class c join pg_namespace n on n.oid = c.relnamespace
cross join lateral query_to_xml(format(
    'select count(*) as rows, coalesce(sum((''x'' || left(md5((apimgmt_row.*)::text), 16))::bit(64)::bigint::numeric), 0) as hash from only %I.%I apimgmt_row',
    n.nspname, c.relname), false, true, '') counted
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1;
select format('%s %s', kind, count(*)) from (
    select case c.relkind when 'i' then 'indexes' when 'S' then 'sequences' when 'v' then 'views' when 'm' then 'materialized-views' else 'relations' end as kind
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all select 'constraints' from pg_constraint k join pg_namespace n on n.oid = k.connamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all select 'functions' from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all select 'triggers' from pg_trigger where not tgisinternal) counted
group by kind order by kind;
SQL

# restore_and_compare DUMP MANIFEST: restores into a scratch database beside the real one; fails unless that holds what the manifest says
restore_and_compare() {
    drop_scratch
    scratch=apimgmt_restore_$(date +%s)
    ask --command "select format('create database %I template template0 encoding %L lc_collate %L lc_ctype %L', '$scratch', pg_encoding_to_char(encoding), datcollate, datctype)
        from pg_database where datname = current_database()" > "$work/create.sql"
    ask --file "$work/create.sql" --command "revoke all on database $scratch from public"
    pg_restore --exit-on-error --no-password --dbname="$scratch" "$1"
    ask --dbname="$scratch" --file="$work/manifest.sql" --output="$work/restored"
    if [ "$(cat "$2")" != "$(cat "$work/restored")" ]; then
        echo "what was restored differs from what was dumped:" >&2
        grep -Fxv -f "$2" "$work/restored" | head -n 20 >&2
        exit 1
    fi
}

# contents DUMP MANIFEST CHECKSUM: what last words say of a dump
contents() {
    rows=0
    while read -r _ _ count _; do rows=$((rows + count)); done <<TABLES
$(grep '^table ' "$2")
TABLES
    printf '"file":"%s","sha256":"%s","bytes":%s,"tables":%s,"rows":%s' "$1" "$3" "$(stat -c %s "$1")" "$(grep -c '^table ' "$2")" "$rows"
}
