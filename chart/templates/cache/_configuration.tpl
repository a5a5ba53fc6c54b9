{{/* redis.conf without the users: their passwords come from the Secret when the server starts */}}
{{- define "apimgmt.cacheConfiguration" -}}
{{- $limit := include "apimgmt.mebibytes" (dig "limits" "memory" "256Mi" .resources) | int -}}
bind * -::*
port 6379
dir /data
aclfile /run/redis/users.acl
maxmemory {{ .maxmemory | default (printf "%dmb" (div (mul $limit 6) 10)) }}
maxmemory-policy {{ .maxmemoryPolicy }}
appendonly {{ ternary "yes" "no" .appendonly }}
appendfsync everysec
save {{ .save | default `""` }}
tcp-keepalive 60
lazyfree-lazy-eviction yes
lazyfree-lazy-expire yes
latency-monitor-threshold 100
{{- with .configuration }}
{{ . }}
{{- end }}
{{- end -}}
