{{/* Where database and cache are, in the cluster or outside */}}
{{- define "apimgmt.databaseHost" -}}{{ ternary "postgres" .Values.postgresql.external.host .Values.postgresql.enabled }}{{- end -}}
{{- define "apimgmt.databasePort" -}}{{ ternary 5432 (int .Values.postgresql.external.port) .Values.postgresql.enabled }}{{- end -}}
{{- define "apimgmt.cacheHost" -}}{{ ternary "redis" .Values.redis.external.host .Values.redis.enabled }}{{- end -}}
{{- define "apimgmt.cachePort" -}}{{ ternary 6379 (int .Values.redis.external.port) .Values.redis.enabled }}{{- end -}}
