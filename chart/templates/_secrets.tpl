{{/*
Which Secret holds what. A password is made once: `lookup` finds the former one on every upgrade, and `helm.sh/resource-policy: keep` leaves it with the
data that it opens. Where `lookup` sees no cluster (`helm template`), new ones appear in the output: never apply that over a release.
*/}}

{{- define "apimgmt.superuserSecret" -}}{{ .Values.postgresql.superuser.existingSecret | default "postgres-secret" }}{{- end -}}
{{- define "apimgmt.ownerSecret" -}}{{ .Values.postgresql.owner.existingSecret | default "postgres-owner-secret" }}{{- end -}}
{{- define "apimgmt.monitorSecret" -}}{{ .Values.postgresql.monitor.existingSecret | default "postgres-monitor-secret" }}{{- end -}}
{{- define "apimgmt.databaseSecret" -}}{{ .Values.postgresql.application.existingSecret | default "api-management-secret" }}{{- end -}}
{{- define "apimgmt.redisSecret" -}}{{ .Values.redis.existingSecret | default "redis-secret" }}{{- end -}}
{{- define "apimgmt.cacheUrlSecret" -}}{{ .Values.redis.existingSecret | default "api-management-secret" }}{{- end -}}
{{- define "apimgmt.grafanaSecret" -}}{{ .Values.monitoring.grafana.existingSecret | default "grafana-secret" }}{{- end -}}

{{/* (list $ secret key): the value that the cluster holds already, else a new one that needs no escaping in a URL */}}
{{- define "apimgmt.kept" -}}
{{- $root := index . 0 -}}
{{- $live := lookup "v1" "Secret" $root.Release.Namespace (index . 1) -}}
{{- $value := dig "data" (index . 2) "" $live -}}
{{- ternary ($value | b64dec) (randAlphaNum 32) (ne $value "") -}}
{{- end -}}

{{/* (list $ secret app data): a Secret of the chart's own making */}}
{{- define "apimgmt.madeSecret" -}}
apiVersion: v1
kind: Secret
metadata:
  {{- include "apimgmt.metadata" (list (index . 0) (index . 1) (index . 2) "infrastructure") | nindent 2 }}
  annotations:
    apimgmt.io/generated: "true"
    helm.sh/resource-policy: keep
type: Opaque
data:
  {{- range $key, $value := index . 3 }}
  {{ $key }}: {{ $value | b64enc }}
  {{- end }}
{{- end -}}

{{/* (list variable secret key): one environment variable from a Secret */}}
{{- define "apimgmt.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef: {name: {{ index . 1 }}, key: {{ index . 2 }}}
{{- end -}}
