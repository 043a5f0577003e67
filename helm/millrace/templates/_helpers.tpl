{{- define "millrace.image" -}}
{{- with .root.Values.images.registry }}{{ trimSuffix "/" . }}{{ else }}millrace{{ end -}}
/{{ .role }}:{{ get .root.Values.images.tags .role | default .root.Values.images.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{/* Helm adds app.kubernetes.io/managed-by itself; what kustomize applies, Helm does not manage. */}}
{{- define "millrace.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end -}}

{{- define "millrace.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user | default 65532 }}
runAsGroup: {{ .user | default 65532 }}
fsGroup: {{ .user | default 65532 }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "millrace.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "millrace.pullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "millrace.restricted" -}}
pod-security.kubernetes.io/enforce: restricted
pod-security.kubernetes.io/enforce-version: latest
pod-security.kubernetes.io/warn: restricted
pod-security.kubernetes.io/audit: restricted
{{- end -}}

{{/* A Service of a bundled store: name, port, nodePort. */}}
{{- define "millrace.bundledService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "millrace.labels" . | nindent 4 }}
spec:
  type: NodePort
  selector: {app.kubernetes.io/name: {{ .name }}}
  ports: [{name: main, port: {{ .port }}, targetPort: {{ .port }}, nodePort: {{ .nodePort }}}]
{{- end -}}

{{/* Where a bundled store keeps its data. */}}
{{- define "millrace.bundledVolume" -}}
- metadata: {name: data}
  spec:
    accessModes: [ReadWriteOnce]
    resources: {requests: {storage: {{ .Values.bundled.storage }}}}
{{- end -}}

{{- define "millrace.bundledLabels" -}}
{{ include "millrace.labels" . }}
millrace.dev/bundled: "true"
{{- end -}}

{{/* What single values cannot say of themselves. */}}
{{- define "millrace.check" -}}
{{- if ne .Release.Namespace "millrace" }}
{{- fail (printf "--namespace: found %s, expected millrace; routes name the gateway millrace/millrace" .Release.Namespace) }}
{{- end }}
{{- if has .Release.Namespace .Values.workloadNamespaces }}
{{- fail (printf "workloadNamespaces: found %s, the platform's own namespace; arms need one of their own" .Release.Namespace) }}
{{- end }}
{{- if and .Values.deployRepository.url (not .Values.deployRepository.forgeUrl) }}
{{- fail "deployRepository.forgeUrl: found ''; with deployRepository.url, expected Gitea's base URL" }}
{{- end }}
{{- include "millrace.checkVolumes" . }}
{{- end -}}

{{/* The image of a bundled store: the root, its name. */}}
{{- define "millrace.dependency" -}}
{{- $name := last . -}}
{{- required (printf "dependencies.%s.image: found nothing; bundled.enabled wants it, as values-kind.yaml has it" $name) (dig $name "image" "" (first .).Values.dependencies) -}}
{{- end -}}
