"""
What is told where a configuration says nothing else: our own templates under the names that configurations of Alertmanager refer to.

They print `.Page`, the text that `alert/page` writes.
"""

from __future__ import annotations

DEFAULT_TEMPLATES = """
{{ define "__alertmanager" }}Tocsin{{ end }}
{{ define "__alertmanagerURL" }}{{ .ExternalURL }}{{ end }}
{{ define "__subject" }}{{ .Page.Title }}{{ end }}
{{ define "__description" }}{{ .Page.Body }}{{ end }}
{{ define "__text_alert_list" }}{{ range . -}}
{{ .Labels }}
{{ range .Annotations.SortedPairs }}  {{ .Name }}: {{ .Value }}
{{ end }}{{ if .GeneratorURL }}  {{ .GeneratorURL }}
{{ end }}{{ end }}{{ end }}
{{ define "__text_alert_list_markdown" }}{{ range . -}}
* `{{ .Labels }}`
{{ range .Annotations.SortedPairs }}  * {{ .Name }}: {{ .Value }}
{{ end }}{{ if .GeneratorURL }}  * [rule]({{ .GeneratorURL }})
{{ end }}{{ end }}{{ end }}

{{ define "slack.default.title" }}{{ .Page.Title | slackEscape }}{{ end }}
{{ define "slack.default.username" }}Tocsin{{ end }}
{{ define "slack.default.fallback" }}{{ .Page.Title | slackEscape }}{{ end }}
{{ define "slack.default.callbackid" }}{{ end }}
{{ define "slack.default.pretext" }}{{ end }}
{{ define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "slack.default.iconemoji" }}{{ end }}
{{ define "slack.default.iconurl" }}{{ end }}
{{ define "slack.default.text" -}}
{{ range $i, $line := .Page.Lines }}{{ if $i }}
{{ end }}{{ $line | slackEscape }}{{ end }}
{{- range .Page.Alerts }}
\u2022 {{ . | slackEscape }}{{ end }}
{{- if .Page.Links }}
{{ range $i, $link := .Page.Links }}{{ if $i }} \u00b7 {{ end -}}
{{ if .URL }}<{{ .URL }}|{{ .Label | slackEscape }}>{{ else }}{{ .Label | slackEscape }}{{ end }}{{ end }}{{ end }}
{{- end }}
{{ define "slack.default.footer" }}{{ end }}
{{ define "slack.default.color" }}{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}{{ end }}

{{ define "pagerduty.default.description" }}{{ .Page.Title }}{{ end }}
{{ define "pagerduty.default.client" }}Tocsin{{ end }}
{{ define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end }}

{{ define "opsgenie.default.message" }}{{ .Page.Title }}{{ end }}
{{ define "opsgenie.default.description" }}{{ .Page.Body }}{{ end }}
{{ define "opsgenie.default.source" }}Tocsin{{ end }}

{{ define "email.default.subject" }}{{ .Page.Title }}{{ end }}
{{ define "email.default.text" }}{{ .Page.Title }}

{{ .Page.Body }}
{{ end }}
{{ define "email.default.html" -}}
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ .Page.Title }}</title></head>
<body style="margin:0;padding:16px;background:#ffffff;color:#1c1c1c;font:15px/1.5 sans-serif">
{{ $color := "#0b6a0b" }}{{ if eq .Status "firing" }}{{ $color = "#a4262c" }}{{ end -}}
<h1 style="margin:0 0 12px;padding:8px 12px;font-size:18px;color:#ffffff;background:{{ $color }}">{{ .Page.Title }}</h1>
{{ range .Page.Lines }}<p style="margin:0 0 8px;white-space:pre-line">{{ . }}</p>
{{ end }}{{ if .Page.Alerts }}<ul>
{{ range .Page.Alerts }}<li>{{ . }}</li>
{{ end }}</ul>
{{ end }}{{ if .Page.Links }}<p>{{ range .Page.Links }}{{ if .URL }}<a href="{{ .URL }}">{{ .Label }}</a>{{ else }}{{ .Label }}{{ end }}<br>
{{ end }}</p>
{{ end }}<p style="color:#666666;font-size:13px">To {{ .Receiver }}, from Tocsin.
{{- if .ExternalURL }} <a href="{{ .ExternalURL }}">{{ .ExternalURL }}</a>{{ end }}</p>
</body>
</html>
{{ end }}
"""
