"""What ``/metrics`` reads when it is asked. A part that does not answer leaves its figure out; it never fails the rest.

An absent figure is how Prometheus alerts on silence (``absent()``); a made-up zero would look healthy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.kernel import clock, heartbeat
from app.payouts.models import PayoutRun
from app.referrals.clicks import oldest_undrained_seconds, spool_bytes
from app.referrals.models import Fact, FactState, Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

    from app.requests import Services

_log = structlog.get_logger(__name__)


class Figures(Collector):
    """The installation's figures at this instant."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Each figure that can be read now."""
        for read in (
            self._up,
            self._clicks,
            self._spool,
            self._facts,
            self._heartbeats,
            self._queued_jobs,
            self._closed_runs,
        ):
            yield from self._read(read)

    def _read(self, read: Callable[[], Metric]) -> Iterator[Metric]:
        try:
            yield read()
        except (RedisError, SQLAlchemyError, OSError) as error:
            _log.warning("figure_not_read", figure=read.__name__.lstrip("_"), error=type(error).__name__)

    def _up(self) -> Metric:
        family = GaugeMetricFamily("refledger_up", "1 where the part answers", labels=["part"])
        family.add_metric(["database"], self._services.db.answers())
        family.add_metric(["queue"], self._services.queue.answers())
        return family

    def _clicks(self) -> Metric:
        return GaugeMetricFamily(
            "refledger_oldest_undrained_click_seconds",
            "How long the oldest click has waited for the database; 0 where none waits",
            value=oldest_undrained_seconds(self._services, clock.now()),
        )

    def _spool(self) -> Metric:
        return GaugeMetricFamily(
            "refledger_spool_bytes",
            "Clicks on this machine's disk that wait for the database",
            value=spool_bytes(self._services),
        )

    def _facts(self) -> Metric:
        family = GaugeMetricFamily(
            "refledger_parked_facts", "Facts that wait for the one they belong to", labels=["program"]
        )
        # Counted by the index of (programme, state): parked facts are few.
        parked = (
            select(Program.slug, func.count(Fact.id))
            .outerjoin(Fact, (Fact.program_id == Program.id) & (Fact.state == FactState.PARKED))
            .group_by(Program.slug)
        )
        with self._services.db.reading() as session:
            for slug, count in session.execute(parked):
                family.add_metric([slug], count)
        return family

    def _heartbeats(self) -> Metric:
        family = GaugeMetricFamily(
            "refledger_heartbeat_timestamp_seconds",
            "When each process that works unseen was last alive",
            labels=["process"],
        )
        for name, at in heartbeat.last_beats(self._services.queue.redis).items():
            family.add_metric([name], at.timestamp())
        return family

    def _queued_jobs(self) -> Metric:
        return GaugeMetricFamily(
            "refledger_queued_jobs", "Jobs that wait for a worker", value=self._services.queue.queue.count
        )

    def _closed_runs(self) -> Metric:
        family = GaugeMetricFamily(
            "refledger_last_closed_run_timestamp_seconds",
            "When the last payout run closed",
            labels=["program"],
        )
        closed = (
            select(Program.slug, func.max(PayoutRun.closed_at))
            .join(PayoutRun, PayoutRun.program_id == Program.id)
            .where(PayoutRun.closed_at.is_not(None))
            .group_by(Program.slug)
        )
        with self._services.db.reading() as session:
            for slug, at in session.execute(closed):
                if at is not None:
                    family.add_metric([slug], at.timestamp())
        return family
