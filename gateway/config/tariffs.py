"""`brackets:` → Schedule and `scale:` → Scale, each checked to cover every family once."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from gateway.config.policy_models import ScaleModel, ScheduleModel
from gateway.config.yaml_source import Path_, Source
from gateway.core.rules import Bracket, Scale, Schedule
from gateway.core.tariff import faults, scale_faults


def read_schedules(written: ScheduleModel | list[ScheduleModel] | None, source: Source) -> tuple[Schedule, ...]:
    """Oldest first."""
    tables = written if isinstance(written, list) else [written] if written else []
    places = _places("brackets", written)
    schedules = [_schedule(table, place, source) for table, place in zip(tables, places, strict=True)]
    _check_dates("brackets", [schedule.valid_from for schedule in schedules], source)
    return tuple(sorted(schedules, key=lambda schedule: schedule.valid_from))


def read_scales(written: ScaleModel | list[ScaleModel] | None, source: Source) -> tuple[Scale, ...]:
    """Oldest first."""
    models = written if isinstance(written, list) else [written] if written else []
    scales = [_scale(model, place, source) for model, place in zip(models, _places("scale", written), strict=True)]
    _check_dates("scale", [scale.valid_from for scale in scales], source)
    return tuple(sorted(scales, key=lambda scale: scale.valid_from))


def _places(key: str, written: object) -> list[Path_]:
    """Where each is in the file: one alone, or one of a list."""
    if isinstance(written, list):
        return [(key, index) for index in range(len(written))]
    return [] if written is None else [(key,)]


def _check_dates(key: str, dates: Sequence[date], source: Source) -> None:
    what = {"brackets": "schedules", "scale": "scales"}[key]
    for index, day in enumerate(dates):
        if day in dates[:index]:
            source.say((key, index), f"two {what} begin on {day}", "one of them would never be used")


def _schedule(table: ScheduleModel, place: Path_, source: Source) -> Schedule:
    brackets = tuple(Bracket(row.name, row.up_to) for row in table.table)
    for row, what in faults(brackets):
        source.say((*place, "table", row), what, "bounds are inclusive and go up; the last bracket has none")
    return Schedule(table.valid_from, brackets, table.council_decision, zero_is_a_value=table.zero == "value")


def _scale(model: ScaleModel, place: Path_, source: Source) -> Scale:
    rates = tuple((int(start), _figure(rate)) for start, rate in model.rates.items())
    scale = Scale(model.valid_from, model.published, rates, _figure(model.floor), _figure(model.ceiling))
    for what in scale_faults(scale):
        source.say(place, what, "rates: {1: 0.0619, 2: 0.0516, 3: 0.0413, 4: 0.0310, 8: 0.0206}")
    return scale


def _figure(written: float) -> Decimal:
    """As it is written in the file, not as a float keeps it."""
    return Decimal(str(written))
