{{- define "portal.name" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "portal.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- /* What selects the pods of one part: (list $ "admin"). */ -}}
{{- define "portal.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "portal.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* As user 10001 of deploy/Dockerfile; only /data and /tmp can be written. */ -}}
{{- define "portal.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "portal.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "portal.fromSecret" -}}
{{- $root := index . 0 -}}
- name: {{ index . 1 }}
  valueFrom: {secretKeyRef: {name: {{ $root.Values.secretName }}, key: {{ index . 2 }}}}
{{- end -}}

{{- /* What both kinds of servers are told. */ -}}
{{- define "portal.environment" -}}
- {name: PORTAL_HOST, value: 0.0.0.0}
- {name: PORTAL_HOME, value: /data}
- {name: XDG_CACHE_HOME, value: /data/cache}
- {name: PYTHONPYCACHEPREFIX, value: /data/python}
- {name: PORTAL_LOG_FORMAT, value: json}
- {name: PORTAL_SECURE_COOKIE, value: "true"}
{{- with .Values.trustedProxies }}
- {name: PORTAL_TRUSTED_PROXIES, value: {{ . | quote }}}
{{- end }}
{{ include "portal.fromSecret" (list . "PORTAL_SERVICE_KEYS" "service-keys") }}
{{- end -}}

{{- /* The address of each admin server, in the order in which user servers try them. */ -}}
{{- define "portal.adminAddresses" -}}
{{- $name := include "portal.name" . -}}
{{- $addresses := list -}}
{{- range until (int .Values.admin.replicas) -}}
{{- $addresses = append $addresses (printf "http://%s-admin-%d.%s-admin.%s.svc.%s:7860" $name . $name $.Release.Namespace $.Values.service.clusterDomain) -}}
{{- end -}}
{{ join "," $addresses }}
{{- end -}}
