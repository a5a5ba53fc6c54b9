{{/* Schema versions for the application and its migrations: literal, since the ConfigMap of a new revision isn't there yet when its migration runs */}}
{{- define "apimgmt.schemaEnv" -}}
{{- range $name, $version := .Values.application.schema }}
- {name: SCHEMA_{{ upper $name }}, value: {{ $version | quote }}}
{{- end }}
{{- end -}}
