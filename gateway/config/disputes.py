"""`disputes:`: where contests and objections are kept, who is told, who answers."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.config.dispute_models import AgentsModel, DisputesModel, EmailModel, WebhookModel
from gateway.config.gateway_models import GatewayModel
from gateway.config.providers import ReadSecret, is_loopback, is_safe
from gateway.config.secrets import STRONG_HINT, Secrets, weakness
from gateway.config.shapes import suggestion
from gateway.config.upstreams import check_files
from gateway.config.yaml_source import Source
from gateway.core.model import HouseholdStatus
from gateway.core.rules import Missing, Policy
from gateway.settings import DisputeSettings, EmailSettings, Settings, WebhookSettings

_DAY_S = 86_400


def read_disputes(
    model: GatewayModel, source: Source, secret: Secrets, folder: Path, sessions_store: str
) -> DisputeSettings | None:
    """None when the gateway keeps none."""
    written = model.disputes
    if written is None:
        return None
    store = _store(written, source, folder, sessions_store)
    if store == "memory:" and model.workers != 1:
        hint = "write `store: sqlite:var/disputes.db`, or `workers: 1`"
        source.say(("disputes", "store"), "`memory:` disputes are one worker's own, and there may be several", hint)
    agents = written.agents
    if agents is not None:
        _check_agents(agents, model, source)
    notify = written.notify
    return DisputeSettings(
        store=store,
        key=secret(written.key, ("disputes", "key")),
        retention_s=written.retention_days * _DAY_S,
        answer_within_days=written.answer_within_days,
        email=_email(notify.email, source, secret, folder) if notify and notify.email else None,
        webhook=_webhook(notify.webhook, source, secret) if notify and notify.webhook else None,
        agents_provider=agents.provider if agents else "",
        agents=frozenset(agents.allow) if agents else frozenset(),
    )


def _check_agents(agents: AgentsModel, model: GatewayModel, source: Source) -> None:
    place = ("disputes", "agents", "provider")
    if agents.provider not in model.identity:
        hint = suggestion(agents.provider, list(model.identity))
        source.say(place, f"`{agents.provider}` is no provider of `identity`", hint)
    elif agents.provider.startswith("franceconnect"):
        hint = "agents sign in with ProConnect, or with a provider of the authority's own"
        source.say(place, "FranceConnect is for the people served, never for agents", hint)


def _store(written: DisputesModel, source: Source, folder: Path, sessions_store: str) -> str:
    """By default the kind of store that the sessions have: a file of its own, or the same Redis."""
    if written.store is None:
        kind, _, path = sessions_store.partition(":")
        return f"sqlite:{Path(path).with_name('disputes.db')}" if kind == "sqlite" else sessions_store
    kind, _, where = written.store.partition(":")
    if kind not in {"memory", "sqlite"} or (kind == "sqlite") != bool(where):
        hint = "write sqlite:var/disputes.db, or nothing: disputes go beside the sessions, in their Redis too"
        source.say(("disputes", "store"), "`store` is not a store", hint)
    return f"sqlite:{(folder / where).absolute()}" if kind == "sqlite" else written.store


def _email(written: EmailModel, source: Source, secret: Secrets, folder: Path) -> EmailSettings:
    place = ("disputes", "notify", "email")
    if written.tls == "none" and not is_loopback(f"smtp://{written.host}"):
        source.say((*place, "tls"), "`tls: none` leaves this machine unsealed", "starttls, or implicit")
    if (written.username is None) != (written.password is None):
        source.say(place, "`username` and `password` go together", "write both, or neither")
    password = secret(written.password, (*place, "password")).decode("utf-8", "replace") if written.password else ""
    for key, text in {"username": written.username or "", "password": password}.items():
        if not text.isascii():
            source.say((*place, key), f"`{key}` holds a letter that a mail login cannot carry", "plain ASCII letters")
    files = {"ca_file": str((folder / written.ca_file).absolute())} if written.ca_file else {}
    if secret.required:
        check_files(files, place, source)
    return EmailSettings(
        written.host, written.port, written.tls, written.sender, written.to, written.username or "", password, **files
    )


def _webhook(written: WebhookModel, source: Source, secret: ReadSecret) -> WebhookSettings:
    place = ("disputes", "notify", "webhook")
    if not is_safe(written.url):
        source.say((*place, "url"), "`url` is plain http", "https, or a loopback address")
    return WebhookSettings(written.url, secret(written.secret, (*place, "secret")))


def check_disputes(settings: Settings, source: Source, *, secrets: bool) -> None:
    """In production: nothing that a restart forgets, no secret that can be guessed."""
    disputes = settings.disputes
    if disputes is None:
        return
    if disputes.store == "memory:":
        hint = "a contested datum would leave again after a restart: write `store: sqlite:var/disputes.db`"
        source.say(("disputes", "store"), "disputes are kept in memory, and this is production", hint)
    if secrets and (why := weakness(disputes.key)):
        source.say(("disputes", "key"), f"the key {why}", STRONG_HINT)
    if secrets and disputes.webhook and (why := weakness(disputes.webhook.secret)):
        source.say(("disputes", "notify", "webhook", "secret"), f"the secret {why}", STRONG_HINT)


def dispute_notes(model: GatewayModel, policies: Mapping[str, Policy]) -> list[str]:
    if model.disputes is None:
        asks = any(policy.household for policy in policies.values())
        return ["without `disputes`, what a person contests is withheld for their session only"] if asks else []
    notes = [_stuck(policy) for policy in _stopped(policies.values())]
    if model.disputes.agents is None:
        notes.append("without `disputes.agents`, disputes are answered by `gateway disputes settle` alone")
    return notes


_ANSWERED = (HouseholdStatus.DOCUMENT_PROVIDED, HouseholdStatus.VERIFIED_BY_AGENT)


def _stopped(policies: Iterable[Policy]) -> list[Policy]:
    rules = ((policy, policy.household) for policy in policies)
    return [
        policy for policy, rule in rules if rule and any(rule.on(status) is not Missing.FORWARD for status in _ANSWERED)
    ]


def _stuck(policy: Policy) -> str:
    return (
        f"policy `{policy.name}`: who has given an agent a document still meets the alternative; to let them in, write "
        "`when_missing: {document_provided: forward, verified_by_agent: forward, default: …}`"
    )
