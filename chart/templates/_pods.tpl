{{/* What every pod and container has in common: images, and Pod Security `restricted`. */}}

{{/* (list $ image): registry/repository, then the digest or else the tag */}}
{{- define "apimgmt.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 -}}
{{- $registry := $root.Values.images.registry | default $image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (ne $registry "") -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* (list $ image): the two lines of a container */}}
{{- define "apimgmt.containerImage" -}}
image: {{ include "apimgmt.image" . }}
imagePullPolicy: {{ (index . 0).Values.images.pullPolicy }}
{{- end -}}

{{/* (list $ serviceAccount securityContext): beginning of a pod's spec. The ServiceAccounts mount no token; whoever needs one says so. */}}
{{- define "apimgmt.podSpec" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ index . 1 }}
enableServiceLinks: false
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- toYaml (index . 2) | nindent 2 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Security context of every container */}}
{{- define "apimgmt.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* values with nodeSelector, tolerations, affinity: where a pod may run */}}
{{- define "apimgmt.placement" -}}
{{- range $key := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $ $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* persistence values: spec of a volume claim */}}
{{- define "apimgmt.claim" -}}
accessModes: {{ toJson .accessModes }}
{{- if .storageClass }}
storageClassName: {{ .storageClass }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end -}}
