{{/* Which parts of the monitoring there are, and what they share */}}

{{/* Not empty if any pod of the monitoring is there */}}
{{- define "apimgmt.anyMonitoring" -}}
{{- range list "prometheus" "alertmanager" "grafana" "postgresExporter" "redisExporter" "blackboxExporter" }}
{{- if (get $.Values.monitoring .).enabled }}yes{{ end }}
{{- end }}
{{- end -}}

{{/* Not empty if Prometheus asks the API server for pods */}}
{{- define "apimgmt.prometheusAsks" -}}
{{- with .Values.monitoring.prometheus }}
{{- if and .enabled (eq .discovery "kubernetes") }}yes{{ end }}
{{- end }}
{{- end -}}

{{/* (list $ app service port): a Service of the monitoring */}}
{{- define "apimgmt.monitoringService" -}}
{{- $root := index . 0 }}{{ $app := index . 1 -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "apimgmt.metadata" (list $root (index . 2) $app "monitoring") | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "apimgmt.selector" (list $root $app) | nindent 4 }}
  ports:
    - {name: http, port: {{ index . 3 }}, targetPort: http, protocol: TCP}
{{- end -}}

{{/* (list $ app): a Deployment of the monitoring up to its pods' annotations; one pod, so a restart is short, never beside the former one */}}
{{- define "apimgmt.monitoringDeployment" -}}
{{- $root := index . 0 }}{{ $app := index . 1 -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "apimgmt.metadata" (list $root $app $app "monitoring") | nindent 2 }}
spec:
  replicas: 1
  revisionHistoryLimit: 10
  progressDeadlineSeconds: 240
  strategy: {type: Recreate}
  selector:
    matchLabels:
      {{- include "apimgmt.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "apimgmt.podLabels" (list $root $app "monitoring" "monitoring") | nindent 8 }}
{{- end -}}

{{/* path: probes of a server that is either there or not */}}
{{- define "apimgmt.monitoringProbes" -}}
startupProbe:
  httpGet: {path: {{ . }}, port: http}
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: {path: {{ . }}, port: http}
  periodSeconds: 10
  timeoutSeconds: 3
livenessProbe:
  httpGet: {path: {{ . }}, port: http}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 5
{{- end -}}
