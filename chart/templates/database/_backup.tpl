{{/*
(dict "root" $ "name" … "script" … "schedule" … "suspend" … "activeDeadlineSeconds" … "env" … "readOnly" …): a CronJob at the volume of dumps, as the
database's owner. What its run came to is its container's last words.
*/}}
{{- define "apimgmt.backupCronJob" -}}
{{- $root := .root }}{{ $postgresql := .root.Values.postgresql -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  {{- include "apimgmt.metadata" (list $root .name "postgres" "database") | nindent 2 }}
spec:
  schedule: {{ .schedule | quote }}
  timeZone: {{ $postgresql.backup.timeZone }}
  suspend: {{ .suspend }}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 3
  jobTemplate:
    metadata:
      labels:
        {{- include "apimgmt.stableLabels" (list $root .name "database") | nindent 8 }}
    spec:
      backoffLimit: 2
      activeDeadlineSeconds: {{ .activeDeadlineSeconds }}
      template:
        metadata:
          labels:
            {{- include "apimgmt.jobLabels" (list $root .name "database" "database") | nindent 12 }}
        spec:
          {{- include "apimgmt.podSpec" (list $root "postgres" $postgresql.securityContext) | nindent 10 }}
          {{- include "apimgmt.placement" (pick $postgresql "nodeSelector" "tolerations") | nindent 10 }}
          restartPolicy: Never
          # The volume can be mounted on one node at a time: the database's
          affinity:
            podAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                - topologyKey: kubernetes.io/hostname
                  labelSelector:
                    matchLabels:
                      {{- include "apimgmt.selector" (list $root "postgres") | nindent 22 }}
          containers:
            - name: {{ .script }}
              {{- include "apimgmt.containerImage" (list $root $postgresql.image) | nindent 14 }}
              {{- include "apimgmt.containerSecurity" $root | nindent 14 }}
              command: [/scripts/{{ .script }}.sh]
              # When it fails, its last words are the end of its log
              terminationMessagePolicy: FallbackToLogsOnError
              env:
                {{- $secret := include "apimgmt.ownerSecret" $root }}
                {{- range $variable, $key := dict "PGHOST" "host" "PGPORT" "port" "PGDATABASE" "database" "PGUSER" "username" "PGPASSWORD" "password" }}
                {{- include "apimgmt.secretEnv" (list $variable $secret $key) | nindent 16 }}
                {{- end }}
                {{- range $variable, $value := .env }}
                - {name: {{ $variable }}, value: {{ $value | quote }}}
                {{- end }}
              resources:
                {{- toYaml $postgresql.backup.resources | nindent 16 }}
              volumeMounts:
                - {name: backup, mountPath: /backup{{ if .readOnly }}, readOnly: true{{ end }}}
                - {name: scripts, mountPath: /scripts, readOnly: true}
                - {name: temporary, mountPath: /tmp}
          volumes:
            - name: backup
              persistentVolumeClaim: {claimName: postgres-backup}
            - name: scripts
              configMap: {name: postgres-scripts, defaultMode: 0555}
            - name: temporary
              emptyDir: {sizeLimit: 64Mi}
{{- end -}}
