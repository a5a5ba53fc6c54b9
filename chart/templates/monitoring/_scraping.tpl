{{/* Prometheus' configuration. The application has many pods, found by name or through the API server; of everything else there is one. */}}
{{- define "apimgmt.prometheusConfiguration" -}}
{{- $monitoring := .Values.monitoring -}}
global:
  scrape_interval: {{ $monitoring.prometheus.scrapeInterval }}
  evaluation_interval: {{ $monitoring.prometheus.scrapeInterval }}
rule_files: [/etc/prometheus/rules.yaml]
{{- if $monitoring.alertmanager.enabled }}
alerting:
  alertmanagers:
    - static_configs: [{targets: ["alertmanager-service:9093"]}]
{{- end }}
scrape_configs:
  - job_name: api-management
    metrics_path: {{ .Values.application.metricsPath }}
    {{- if eq $monitoring.prometheus.discovery "dns" }}
    dns_sd_configs:
      - {names: [api-management-headless], type: A, port: 8080, refresh_interval: {{ $monitoring.prometheus.scrapeInterval }}}
    {{- else }}
    kubernetes_sd_configs:
      - role: pod
        namespaces: {own_namespace: true}
        selectors: [{role: pod, label: app=api-management}]
    relabel_configs:
      - {source_labels: [__meta_kubernetes_pod_container_port_name], regex: http, action: keep}
      - {source_labels: [__meta_kubernetes_pod_phase], regex: Succeeded|Failed, action: drop}
      - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
    {{- end }}
  - job_name: prometheus
    static_configs: [{targets: ["localhost:9090"]}]
{{- with $monitoring.blackboxExporter }}
{{- if .enabled }}
  - job_name: {{ $.Values.checklist.synthetic.job }}
    metrics_path: /probe
    params: {module: [http]}
    static_configs:
      - targets:
          {{- include "apimgmt.syntheticTargets" $ | nindent 10 }}
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "blackbox-exporter:9115"}
{{- end }}
{{- end }}
{{- range $key, $address := dict "alertmanager" "alertmanager-service:9093" "grafana" "grafana-service:3000" "postgresExporter" "postgres-exporter:9187" "redisExporter" "redis-exporter:9121" "blackboxExporter" "blackbox-exporter:9115" }}
{{- if (get $monitoring $key).enabled }}
{{- if and (eq $key "redisExporter") (include "apimgmt.withSentinel" $) }}
  - job_name: redis-exporter
    metrics_path: /scrape
    static_configs: [{targets: {{ include "apimgmt.cacheTargets" $ }}}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: {{ quote $address }}}
{{- else }}
  - job_name: {{ kebabcase $key }}
    static_configs: [{targets: [{{ quote $address }}]}]
{{- end }}
{{- end }}
{{- end }}
{{- with $monitoring.prometheus.extraScrapeConfigs }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}

{{/* Every server under Sentinel, as the exporter is asked for it; a JSON list */}}
{{- define "apimgmt.cacheTargets" -}}
{{- $targets := list -}}
{{- range include "apimgmt.cacheServers" . | fromJsonArray }}
{{- $targets = append $targets (printf "redis://%s:6379" .) }}
{{- end }}
{{- toJson $targets }}
{{- end -}}

{{/* What is called from outside: what is declared, or else one path of every public host */}}
{{- define "apimgmt.syntheticTargets" -}}
{{- $blackbox := .Values.monitoring.blackboxExporter -}}
{{- $scheme := ternary "https" "http" .Values.ingress.tls.enabled -}}
{{- $targets := $blackbox.targets -}}
{{- if not $targets }}
{{- range .Values.ingress.hosts }}
{{- $targets = append $targets (printf "%s://%s%s" $scheme . $blackbox.path) }}
{{- end }}
{{- end }}
{{- toYaml $targets }}
{{- end -}}
