{{/* A Kubernetes quantity of bytes as whole mebibytes: tuning is derived from limits and volume sizes */}}
{{- define "apimgmt.mebibytes" -}}
{{- $text := toString . -}}
{{- $factors := dict "" 0.00000095367431640625 "k" 0.00095367431640625 "M" 0.95367431640625 "G" 953.67431640625 "T" 953674.31640625
    "Ki" 0.0009765625 "Mi" 1.0 "Gi" 1024.0 "Ti" 1048576.0 -}}
{{- $unit := regexFind "[A-Za-z]*$" $text -}}
{{- if not (hasKey $factors $unit) }}{{ fail (printf "%q: expected bytes, or a number with one of k M G T Ki Mi Gi Ti" $text) }}{{ end -}}
{{- mulf (trimSuffix $unit $text | float64) (get $factors $unit) | int64 -}}
{{- end -}}
