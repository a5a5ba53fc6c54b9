{{/*
Server parameters: what the memory limit and the volume's size allow, then whatever the values say. Given as arguments, so that a change restarts the
server and `kubectl describe` shows them.
*/}}
{{- define "apimgmt.databaseParameters" -}}
{{- $postgresql := .Values.postgresql -}}
{{- $limit := dig "limits" "memory" "1Gi" $postgresql.resources -}}
{{- $memory := include "apimgmt.mebibytes" $limit | int -}}
{{- $volume := include "apimgmt.mebibytes" $postgresql.persistence.size | int -}}
{{- $connections := int $postgresql.maxConnections -}}
{{- $maxWal := max 64 (min 4096 (div $volume 10)) -}}
{{- $parameters := dict
    "listen_addresses" "*"
    "max_connections" $connections
    "shared_buffers" (printf "%dMB" (div $memory 4))
    "effective_cache_size" (printf "%dMB" (div (mul $memory 3) 4))
    "maintenance_work_mem" (printf "%dMB" (max 16 (min 1024 (div $memory 16))))
    "work_mem" (printf "%dkB" (max 1024 (div (mul $memory 256) $connections)))
    "max_wal_size" (printf "%dMB" $maxWal)
    "min_wal_size" (printf "%dMB" (max 32 (div $maxWal 4)))
    "max_slot_wal_keep_size" (printf "%dMB" (max 64 (div $volume 4)))
    "checkpoint_timeout" "15min"
    "wal_compression" "on"
    "random_page_cost" "1.1"
    "effective_io_concurrency" "200"
    "jit" "off"
    "track_io_timing" "on"
    "tcp_keepalives_idle" "60"
    "log_checkpoints" "on"
    "log_lock_waits" "on"
    "log_min_duration_statement" "1s"
    "log_temp_files" "10MB"
    "log_autovacuum_min_duration" "10s"
    "log_line_prefix" "%m [%p] %q%u@%d %a " -}}
{{- if ge (int $postgresql.majorVersion) 16 }}{{ $_ := set $parameters "reserved_connections" 3 }}{{ end -}}
{{- range $name, $value := merge (deepCopy $postgresql.parameters) $parameters }}
- -c
- {{ printf "%s=%v" $name $value | quote }}
{{- end }}
{{- end -}}
