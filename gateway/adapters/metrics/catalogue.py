"""Every number that the gateway publishes: its name, its kind, its labels. A label is a code or a configured name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends, inclusive; a last one without end follows."""


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """A histogram is its buckets, one more without end, and the sum."""
        return len(BUCKETS_S) + 2 if self.kind == "histogram" else 1


_ALL = (
    Metric(
        "gateway_decisions_total",
        "counter",
        "Decisions, as audit lines have them.",
        ("route", "policy", "outcome", "reason"),
    ),
    Metric("gateway_upstream_answers_total", "counter", "Answers of applications.", ("route", "class")),
    Metric("gateway_upstream_wait_seconds", "histogram", "Until an application's answer began.", ("route",)),
    Metric("gateway_failures_total", "counter", "Requests that a dependency failed.", ("dependency", "code")),
    Metric("gateway_rejections_total", "counter", "Requests refused for what they are.", ("code",)),
    Metric(
        "gateway_household_answers_total",
        "counter",
        "Answers about households, settled.",
        ("source", "status", "code"),
    ),
    Metric("gateway_household_seconds", "histogram", "One enquiry, its retries included.", ("source",)),
    Metric("gateway_logins_total", "counter", "Logins that came back, and those that could not leave.",
           ("provider", "outcome")),
    Metric("gateway_provider_seconds", "histogram", "One exchange of a code for an identity.", ("provider",)),
    Metric("gateway_sessions_open", "gauge", "Sessions used within the last seconds; one for each worker it used."),
    Metric("gateway_quota_total", "counter", "What the quotas of a source did.", ("source", "event")),
    Metric("gateway_disputes_total", "counter", "Contests, objections, their answers.", ("reason", "outcome")),
    Metric("gateway_dispute_notifications_total", "counter", "Words to the services about disputes.",
           ("channel", "outcome")),
    Metric("gateway_agents_total", "counter", "Agents who signed in, and who were turned away.", ("outcome",)),
    Metric("gateway_config_reloads_total", "counter", "Reloads asked for.", ("result",)),
    Metric("gateway_config_reload_successful", "gauge", "1 when the last reload was taken, or none was asked for."),
    Metric("gateway_config_loaded_timestamp_seconds", "gauge", "When the configuration that serves was read."),
    Metric("gateway_certificate_expiry_timestamp_seconds", "gauge", "When a route's client certificate ends.",
           ("route",)),
    Metric("gateway_worker_ends_total", "counter", "Workers that ended without being asked to."),
    Metric("gateway_metrics_dropped_total", "counter", "Counts for which there was no room."),
)  # fmt: skip

CATALOGUE: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
DROPPED = "gateway_metrics_dropped_total"

MADE_AT_SCRAPE: Mapping[str, tuple[str, ...]] = {
    "gateway_build_info": ("version", "python"),
    "gateway_config_info": ("version",),
    "gateway_workers": (),
}
"""Not counted: said as they are when asked."""
