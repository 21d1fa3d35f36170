{{- define "fairlead.scope" -}}
{{- if eq .Release.Namespace "fairlead-system" -}}
fairlead
{{- else -}}
fairlead-{{ .Release.Namespace }}
{{- end -}}
{{- end -}}
