{{/* The words that the templates share. */}}

{{- define "ccx.prefix" -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "ccx.operator" -}}{{ include "ccx.prefix" . }}-operator{{- end }}
{{- define "ccx.gateway" -}}{{ include "ccx.prefix" . }}-gateway{{- end }}

{{/* Cluster-wide names carry the prefix, so that a second installation has its own. */}}
{{- define "ccx.clusterName" -}}
{{- if eq (include "ccx.prefix" .) "ccx" }}cc-executor{{ else }}{{ include "ccx.prefix" . }}{{ end -}}
{{- end }}
{{- define "ccx.policySuffix" -}}
{{- if ne (include "ccx.prefix" .) "ccx" }}{{ include "ccx.prefix" . }}.{{ end }}cc-executor.dev
{{- end }}

{{- define "ccx.operatorAccount" -}}
{{- .Values.operator.serviceAccount.name | default (include "ccx.operator" .) -}}
{{- end }}
{{- define "ccx.gatewayAccount" -}}
{{- .Values.gateway.serviceAccount.name | default (include "ccx.gateway" .) -}}
{{- end }}
{{- define "ccx.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "ccx.operatorAccount" . }}
{{- end }}
{{- define "ccx.gatewayUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "ccx.gatewayAccount" . }}
{{- end }}

{{/* Of a component: (dict "root" $ "component" "operator"). Selectors cannot change: they are these two alone. */}}
{{- define "ccx.selector" -}}
app.kubernetes.io/name: cc-executor
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "ccx.labels" -}}
app.kubernetes.io/name: cc-executor
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* (dict "root" $ "image" .Values.images.control) */}}
{{- define "ccx.image" -}}
{{- with .root.Values.site.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end }}

{{/* Where executions are by default: our own namespace, if it is watched. */}}
{{- define "ccx.defaultNamespace" -}}
{{- $watched := .Values.watchNamespaces -}}
{{- .Values.gateway.defaultNamespace | default (ternary (first $watched) .Release.Namespace (not (empty $watched))) -}}
{{- end }}

{{- define "ccx.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "ccx.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{/* What the pods of operator and gateway have in common: (dict "root" $ "own" .Values.operator "component" "operator"). */}}
{{- define "ccx.podMetadata" -}}
labels:
  {{- include "ccx.selector" . | nindent 2 }}
  {{- with .own.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: ccx-{{ .component }}
  {{- with .checksum }}
  checksum/pod-template: {{ . }}
  {{- end }}
  {{- with .own.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "ccx.scheduling" -}}
enableServiceLinks: {{ .serviceLinks | default false }}
{{- with .root.Values.site.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- with .own.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "ccx.selector" . | nindent 8 }}
  {{- end }}
securityContext:
  {{- include "ccx.podSecurity" . | nindent 2 }}
{{- end }}

{{/* A Role in each watched namespace, or one ClusterRole: (dict "root" $ "name" .. "account" .. "component" .. "rules" ..). */}}
{{- define "ccx.grant" -}}
{{- $root := .root }}
{{- $kind := "Role" }}
{{- $places := $root.Values.watchNamespaces }}
{{- if not $places }}
{{- $kind = "ClusterRole" }}
{{- $places = list "" }}
{{- end }}
{{- $given := . }}
{{- range $place := $places }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $given.name }}
  {{- with $place }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "ccx.labels" $given | nindent 4 }}
  {{- with $given.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
rules:
  {{- $given.rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ $given.name }}
  {{- with $place }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "ccx.labels" $given | nindent 4 }}
  {{- with $given.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $given.name }}
subjects:
  - kind: ServiceAccount
    name: {{ $given.account }}
    namespace: {{ $root.Release.Namespace }}
{{- end }}
{{- end }}

{{/* The same at home: (dict "root" $ "name" .. "account" .. "component" .. "rules" ..). */}}
{{- define "ccx.grantAtHome" -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "ccx.labels" . | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "ccx.labels" . | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .account }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}
