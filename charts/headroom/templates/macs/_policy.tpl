{{- /* Beginning of a policy about the writes of Macs. Takes a dict of root, name and resources (YAML
of resourceRules); the caller adds further variables and validations. */ -}}
{{- define "headroom.macPolicy" -}}
{{- $root := .root -}}
{{- $name := printf "%s-mac-%s" (include "headroom.name" $root) .name -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels: {{- include "headroom.labels" $root | nindent 4 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name }}
  labels: {{- include "headroom.labels" $root | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: {{- .resources | nindent 6 }}
  matchConditions:
    - name: is-a-mac
      # The user of a client certificate or a service account, as headroom join makes both.
      expression: >-
        request.userInfo.username.startsWith('headroom:')
        || request.userInfo.username.matches('^system:serviceaccount:[^:]+:headroom-mac-')
  variables:
    - name: mac
      expression: >-
        request.userInfo.username.startsWith('headroom:') ? request.userInfo.username.substring(9)
        : request.userInfo.username.substring(request.userInfo.username.indexOf(':headroom-mac-') + 14)
    - name: creates
      expression: request.operation == 'CREATE'
{{- end -}}

{{- /* Annotations before and after. */ -}}
{{- define "headroom.annotationVariables" -}}
- name: before
  expression: "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}"
- name: after
  expression: "has(object.metadata.annotations) ? object.metadata.annotations : {}"
{{- end -}}

{{- /* Nothing but annotations (and status) may change. */ -}}
{{- define "headroom.onlyAnnotations" -}}
- expression: variables.creates || object.spec == oldObject.spec
  message: a Mac may not change the spec
- expression: >-
    variables.creates || object.?metadata.?labels.orValue({}) == oldObject.?metadata.?labels.orValue({})
  message: a Mac may not change labels
- expression: >-
    variables.creates || (object.?metadata.?finalizers.orValue([]) == oldObject.?metadata.?finalizers.orValue([])
    && object.?metadata.?ownerReferences.orValue([]) == oldObject.?metadata.?ownerReferences.orValue([]))
  message: a Mac may not change finalizers or owners
{{- end -}}
