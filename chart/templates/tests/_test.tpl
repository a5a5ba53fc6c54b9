{{/* (list $ name part securityContext): beginning of a `helm test` Pod. A Pod, not a Job: `helm test --logs` looks for no other kind. */}}
{{- define "apimgmt.testPod" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $part := index . 2 -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "apimgmt.labels" (list $root $name $part) | nindent 4 }}
    apimgmt.io/network: test
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  restartPolicy: Never
  activeDeadlineSeconds: 120
  {{- include "apimgmt.podSpec" (list $root "api-management" (index . 3)) | nindent 2 }}
{{- end -}}

{{/* A shell function: tries a command until it succeeds. Network policies take a moment to let a new pod through. */}}
{{- define "apimgmt.retry" -}}
retry() { n=0; until "$@"; do n=$((n + 1)); [ $n -lt 20 ] || return 1; sleep 1; done; }
{{- end -}}

{{- define "apimgmt.testResources" -}}
resources:
  requests: {cpu: 10m, memory: 32Mi}
  limits: {memory: 64Mi}
{{- end -}}
