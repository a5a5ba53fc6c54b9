{{/* Redis under Sentinel: who its servers are, and what Sentinels are told. */}}

{{/* "true" where the chart runs it. Reused values of an older chart know no mode. */}}
{{- define "apimgmt.withSentinel" -}}
{{- if and .Values.redis.enabled (eq (.Values.redis.mode | default "standalone") "sentinel") }}true{{ end -}}
{{- end -}}

{{/*
The names of its servers, which outlive their pods' addresses, as a JSON list. Short, so that the first try of a lookup finds them: a Sentinel looks
them up all the time, and does nothing else meanwhile.
*/}}
{{- define "apimgmt.cacheServers" -}}
{{- $names := list -}}
{{- range $ordinal := until (int .Values.redis.sentinel.replicas) }}
{{- $names = append $names (printf "redis-%d.redis-headless" $ordinal) }}
{{- end }}
{{- toJson $names }}
{{- end -}}

{{/* How many Sentinels must agree that the master is gone: most of them */}}
{{- define "apimgmt.sentinelQuorum" -}}{{ add (div (int .Values.redis.sentinel.replicas) 2) 1 }}{{- end -}}

{{/* What the scripts of both containers know */}}
{{- define "apimgmt.sentinelEnv" -}}
{{- $redis := .Values.redis -}}
- {name: SERVERS, value: {{ join " " (include "apimgmt.cacheServers" . | fromJsonArray) | quote }}}
- {name: MASTER, value: {{ $redis.sentinel.master | quote }}}
- {name: QUORUM, value: {{ include "apimgmt.sentinelQuorum" . | quote }}}
{{ include "apimgmt.secretEnv" (list "REDIS_REPLICATION_PASSWORD" (include "apimgmt.redisSecret" .) "REDIS_REPLICATION_PASSWORD") }}
{{- end -}}

{{/* sentinel.conf without passwords, and without the master: who that is shows when the Sentinel starts */}}
{{- define "apimgmt.sentinelConfiguration" -}}
{{- $sentinel := .Values.redis.sentinel -}}
bind * -::*
port 26379
dir /data/sentinel
aclfile /run/sentinel/users.acl
tcp-keepalive 60
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-port 26379
sentinel sentinel-user replication
{{- end -}}

{{/* The lines of sentinel.conf about the master, which come after the one that names it */}}
{{- define "apimgmt.sentinelMaster" -}}
{{- with .Values.redis.sentinel -}}
sentinel auth-user {{ .master }} replication
sentinel down-after-milliseconds {{ .master }} {{ .downAfterMilliseconds | int }}
sentinel failover-timeout {{ .master }} {{ .failoverTimeoutMilliseconds | int }}
sentinel parallel-syncs {{ .master }} 1
{{- end }}
{{- end -}}

{{/* The Sentinel beside a server */}}
{{- define "apimgmt.sentinelContainer" -}}
{{- $redis := .Values.redis -}}
{{- $secret := include "apimgmt.redisSecret" . -}}
- name: sentinel
  {{- include "apimgmt.containerImage" (list $ $redis.image) | nindent 2 }}
  {{- include "apimgmt.containerSecurity" . | nindent 2 }}
  command: [/etc/redis/start-sentinel.sh]
  env:
    - {name: APPLICATION_USER, value: {{ $redis.application.username | quote }}}
    {{- include "apimgmt.sentinelEnv" . | nindent 4 }}
    {{- range list "REDIS_PASSWORD" "REDIS_APPLICATION_PASSWORD" }}
    {{- include "apimgmt.secretEnv" (list . $secret .) | nindent 4 }}
    {{- end }}
    {{- include "apimgmt.secretEnv" (list "REDISCLI_AUTH" $secret "REDIS_PASSWORD") | nindent 4 }}
  ports:
    - {name: sentinel, containerPort: 26379, protocol: TCP}
  startupProbe:
    exec: {command: &sentinelAnswers [sh, -c, '[ "$(redis-cli -p 26379 ping)" = PONG ]']}
    periodSeconds: 2
    timeoutSeconds: 3
    failureThreshold: 60
  # Ready when it can tell the master; alive while it answers at all
  readinessProbe:
    exec: {command: [sh, -c, 'redis-cli -p 26379 sentinel get-master-addr-by-name "$MASTER" | grep -qx 6379']}
    periodSeconds: 10
    timeoutSeconds: 3
    failureThreshold: 3
  livenessProbe:
    exec: {command: *sentinelAnswers}
    periodSeconds: 20
    timeoutSeconds: 5
    failureThreshold: 3
  resources:
    {{- toYaml $redis.sentinel.resources | nindent 4 }}
  volumeMounts:
    - {name: data, mountPath: /data}
    - {name: configuration, mountPath: /etc/redis, readOnly: true}
    - {name: run-sentinel, mountPath: /run/sentinel}
    - {name: temporary-sentinel, mountPath: /tmp}
{{- end -}}
