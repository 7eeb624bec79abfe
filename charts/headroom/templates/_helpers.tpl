{{- define "headroom.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains "headroom" .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-headroom" .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "headroom.webhook" -}}{{ include "headroom.name" . }}-webhook{{- end -}}

{{- define "headroom.selector" -}}
app.kubernetes.io/name: headroom
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "headroom.labels" -}}
{{ include "headroom.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "headroom.webhookSelector" -}}
{{ include "headroom.selector" . }}
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "headroom.monitoringLabels" -}}
{{ include "headroom.labels" . }}
{{- with .Values.monitoring.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "headroom.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "headroom.serviceAccount" -}}
{{ .Values.webhook.serviceAccount.name | default (include "headroom.webhook" .) }}
{{- end -}}

{{- /* Secret with the certificate. Each mode has its own, so that none takes over another's. */ -}}
{{- define "headroom.certificateSecret" -}}
{{- if eq .Values.certificates.mode "existing" -}}
{{ .Values.certificates.existing.secretName }}
{{- else -}}
{{ include "headroom.webhook" . }}-{{ .Values.certificates.mode }}
{{- end -}}
{{- end -}}

{{- /* What every container here may do: nothing but run. */ -}}
{{- define "headroom.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end -}}

{{- define "headroom.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- /* Identity of one Mac. Takes a dict of root and name. */ -}}
{{- define "headroom.macSubject" -}}
{{- if eq .root.Values.macs.identity "user" -}}
apiGroup: rbac.authorization.k8s.io
kind: User
name: {{ printf "headroom:%s" .name | quote }}
{{- else -}}
kind: ServiceAccount
name: headroom-mac-{{ .name }}
namespace: {{ .root.Release.Namespace }}
{{- end -}}
{{- end -}}
