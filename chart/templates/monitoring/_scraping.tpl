{{/* Prometheus' configuration: pods of this namespace, one job for each app, found by label and port name */}}
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
{{- $jobs := dict "api-management" .Values.application.metricsPath "prometheus" "/metrics" }}
{{- range $key, $job := dict "alertmanager" "alertmanager" "grafana" "grafana" "postgresExporter" "postgres-exporter" "redisExporter" "redis-exporter" }}
{{- if (get $monitoring $key).enabled }}{{ $_ := set $jobs $job "/metrics" }}{{ end }}
{{- end }}
{{- range $job, $path := $jobs }}
  - job_name: {{ $job }}
    metrics_path: {{ $path }}
    kubernetes_sd_configs:
      - role: pod
        namespaces: {own_namespace: true}
        selectors: [{role: pod, label: "app={{ $job }}"}]
    relabel_configs:
      - source_labels: [__meta_kubernetes_pod_container_port_name]
        regex: http
        action: keep
      - source_labels: [__meta_kubernetes_pod_phase]
        regex: Succeeded|Failed
        action: drop
      - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
      - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
{{- end }}
{{- with $monitoring.prometheus.extraScrapeConfigs }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}
