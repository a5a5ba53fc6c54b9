{{/*
Names and labels. Object names are fixed by the production checklist (`postgres-0`, `api-management-service`, …), so the namespace tells releases
apart and templates write them out.
*/}}

{{/* What a chart part is called in `apimgmt.io/phase` */}}
{{- define "apimgmt.phase" -}}
{{- $phases := dict "infrastructure" "1" "database" "2" "pooler" "2" "cache" "3" "application" "4" "ingress" "5" "monitoring" "6" -}}
{{- required (printf "unknown part %q" .) (get $phases .) -}}
{{- end -}}

{{/* (list $ app): what selectors use. Immutable: nothing may ever be added here. */}}
{{- define "apimgmt.selector" -}}
app: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end -}}

{{/* (list $ name part): labels that stay the same from one release of the chart to the next, so that they don't restart pods */}}
{{- define "apimgmt.stableLabels" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $part := index . 2 -}}
app.kubernetes.io/name: {{ $name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ $part }}
app.kubernetes.io/part-of: {{ $root.Chart.Name }}
apimgmt.io/phase: {{ include "apimgmt.phase" $part | quote }}
{{- if eq $part "monitoring" }}
component: monitoring
{{- end }}
{{- end -}}

{{/* (list $ name part): labels of an object */}}
{{- define "apimgmt.labels" -}}
{{- $root := index . 0 -}}
{{ include "apimgmt.stableLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (list $ object app part): name, namespace and labels of an object that belongs to `app` */}}
{{- define "apimgmt.metadata" -}}
{{- $root := index . 0 }}{{ $object := index . 1 }}{{ $app := index . 2 }}{{ $part := index . 3 -}}
name: {{ $object }}
namespace: {{ $root.Release.Namespace }}
labels:
  app: {{ $app }}
  {{- include "apimgmt.labels" (list $root $app $part) | nindent 2 }}
{{- end -}}

{{/* (list $ app part network): labels of a long-running pod, found by its Service */}}
{{- define "apimgmt.podLabels" -}}
{{- $root := index . 0 }}{{ $app := index . 1 }}{{ $part := index . 2 -}}
app: {{ $app }}
{{ include "apimgmt.stableLabels" (list $root $app $part) }}
apimgmt.io/network: {{ index . 3 }}
{{- end -}}

{{/*
(list $ name part network): labels of a pod that runs once. Without `app`: else `kubectl wait --for=condition=ready pod -l app=…` would wait for it
for ever, and a Service could choose it.
*/}}
{{- define "apimgmt.jobLabels" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $part := index . 2 -}}
{{ include "apimgmt.stableLabels" (list $root $name $part) }}
apimgmt.io/network: {{ index . 3 }}
{{- end -}}
