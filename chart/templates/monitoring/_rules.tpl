{{/* Alert groups of what is enabled, from files/alerts: plain Prometheus rules, each given its runbook */}}
{{- define "apimgmt.ruleGroups" -}}
{{- $monitoring := .Values.monitoring -}}
{{- $files := list "application" "monitoring" -}}
{{- if $monitoring.postgresExporter.enabled }}{{ $files = append $files "database" }}{{ end -}}
{{- if $monitoring.redisExporter.enabled }}{{ $files = append $files "cache" }}{{ end -}}
{{- if and $monitoring.redisExporter.enabled (include "apimgmt.withSentinel" .) }}{{ $files = append $files "sentinel" }}{{ end -}}
{{- if $monitoring.blackboxExporter.enabled }}{{ $files = append $files "synthetic" }}{{ end -}}
{{- $volume := mul (include "apimgmt.mebibytes" .Values.postgresql.persistence.size | int64) 1048576 -}}
{{- $replicas := 0 -}}
{{- if include "apimgmt.withSentinel" . }}{{ $replicas = sub (int .Values.redis.sentinel.replicas) 1 }}{{ end -}}
{{- $page := ternary $monitoring.runbookUrl (printf "%s/{alert}" $monitoring.runbookUrl) (contains "{alert}" $monitoring.runbookUrl) -}}
{{- $groups := list -}}
{{- range $file := $files }}
{{- $text := $.Files.Get (printf "files/alerts/%s.yaml" $file) | replace "DATABASE_VOLUME_BYTES" (toString $volume) | replace "P95_SECONDS" (include "apimgmt.seconds" $.Values.checklist.performance.p95) | replace "SYNTHETIC_JOB" $.Values.checklist.synthetic.job | replace "WANTED_REPLICAS" ($replicas | toString) }}
{{- range $group := (fromYaml $text).groups }}
{{- range $rule := $group.rules }}
{{- if $rule.alert }}{{ $_ := set $rule.annotations "runbook_url" ($page | replace "{alert}" $rule.alert) }}{{ end }}
{{- end }}
{{- $groups = append $groups $group }}
{{- end }}
{{- end }}
{{- toYaml (dict "groups" (concat $groups $monitoring.prometheus.extraRuleGroups)) }}
{{- end -}}

{{/* A duration such as 200ms, 2s or 1m in seconds */}}
{{- define "apimgmt.seconds" -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- mulf (trimSuffix $unit . | float64) (get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0) $unit) -}}
{{- end -}}
