{{/* PgBouncer between the application and the server. */}}

{{/* "true" where it stands there. Reused values of an older chart know none. */}}
{{- define "apimgmt.withPooler" -}}
{{- with .Values.postgresql.pooler }}{{ if .enabled }}true{{ end }}{{ end -}}
{{- end -}}

{{/* Under which key the application finds its URL: one of its own for the pooler, so that its pods roll when it comes and goes */}}
{{- define "apimgmt.databaseUrlKey" -}}
{{- ternary "DATABASE_POOLER_URL" "DATABASE_URL" (eq (include "apimgmt.withPooler" .) "true") -}}
{{- end -}}

{{/* pgbouncer.ini without the users: their passwords come from the Secret when it starts */}}
{{- define "apimgmt.poolerConfiguration" -}}
{{- $postgresql := .Values.postgresql }}{{ $pooler := $postgresql.pooler -}}
[databases]
{{ $postgresql.database }} = host={{ include "apimgmt.databaseHost" . }} port={{ include "apimgmt.databasePort" . }}
[pgbouncer]
listen_addr = *
listen_port = 6432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /run/pgbouncer/users.txt
pool_mode = {{ $pooler.mode }}
default_pool_size = {{ int $pooler.poolSize }}
max_client_conn = {{ int $pooler.maxClientConnections }}
{{- if $pooler.maxPreparedStatements }}
max_prepared_statements = {{ int $pooler.maxPreparedStatements }}
{{- end }}
; A request that waits longer has been given up by whoever sent it
query_wait_timeout = 30
server_tls_sslmode = {{ ternary "disable" $postgresql.external.sslMode $postgresql.enabled }}
; What drivers send and a pooled connection can't keep
ignore_startup_parameters = extra_float_digits,options
log_connections = 0
log_disconnections = 0
{{- with $pooler.configuration }}
{{ . }}
{{- end }}
{{- end -}}
