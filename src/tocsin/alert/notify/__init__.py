"""Channels: how a notification reaches Slack, PagerDuty, Opsgenie, a mailbox, a webhook, another Alertmanager."""
