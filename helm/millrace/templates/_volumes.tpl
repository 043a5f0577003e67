{{/* Kubernetes refuses another size or class of a StatefulSet's volumes, without a word of help. */}}
{{- define "millrace.checkVolumes" -}}
{{- $events := .Values.events -}}
{{- include "millrace.checkVolume" (dict "root" . "name" "millrace-events" "size" $events.storage "class" $events.storageClass "value" "events.storage") -}}
{{- if .Values.bundled.enabled -}}
{{- range list "redis" "object-store" "postgres" "prometheus" "gitea" -}}
{{- include "millrace.checkVolume" (dict "root" $ "name" (printf "millrace-%s" .) "size" $.Values.bundled.storage "class" "" "value" "bundled.storage") -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* root, name of a StatefulSet, size, class, and value: what the size is called. */}}
{{- define "millrace.checkVolume" -}}
{{- $there := lookup "apps/v1" "StatefulSet" .root.Release.Namespace .name -}}
{{- range dig "spec" "volumeClaimTemplates" list $there -}}
{{- $size := .spec.resources.requests.storage -}}
{{- $claim := printf "%s-%s-0" .metadata.name $.name -}}
{{- $again := printf "`kubectl delete statefulset %s --namespace %s --cascade=orphan`, which leaves the pod, and upgrade again" $.name $.root.Release.Namespace -}}
{{- if ne (include "millrace.mebibytes" $size) (include "millrace.mebibytes" $.size) -}}
{{- fail (printf "%s: found %s, but %s has %s; grow that claim with `kubectl edit persistentvolumeclaim %s --namespace %s`, then %s" $.value $.size $claim $size $claim $.root.Release.Namespace $again) -}}
{{- end -}}
{{- $class := .spec.storageClassName | default "" -}}
{{- if ne $.class $class -}}
{{- fail (printf "events.storageClass: found '%s', but %s has '%s', and volumes stay where they are; set it back" $.class $claim $class) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A size in Mi, such as 5120 for 5Gi. */}}
{{- define "millrace.mebibytes" -}}
{{- $unit := trunc -2 . -}}
{{- mul (trimSuffix $unit . | int64) (get (dict "Mi" 1 "Gi" 1024 "Ti" 1048576 "Pi" 1073741824) $unit | default 1) -}}
{{- end -}}
