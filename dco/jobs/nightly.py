"""`dco nightly`: one night's work, once. Reports in, decision, new creatives, publication, report.

Each step is one transaction that holds its outputs and its checkpoint, so that a run killed anywhere goes on from its last
finished step and ends the same. A night that is done answers with what it did and changes nothing.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from dco.errors import BrokenPromise, Refused, Unlicensed
from dco.jobs import decide, draft, foretell, publish
from dco.jobs.clock import business_date
from dco.jobs.create import Idea, check_vocabulary
from dco.jobs.deliver import deliver
from dco.jobs.desk import Desk, open_desk
from dco.jobs.facts import arm_days
from dco.jobs.ingest import ingest_inbox
from dco.jobs.names import called, short
from dco.records import ARM_ID_PATTERN, MICROS, Campaign, Genome, Missed
from dco.reports.plain import Change, Move, first_night_sentence, missed_sentence, night_sentence
from dco.store import ledger, runs
from dco.store.versions import current

LEASE_SECONDS = 3600
RECENT_DAYS = 3
"""Days over which a guardrail judges what was delivered."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Night:
    """What a night did, JSON-able: the same whether it ran just now or long ago."""

    campaign: str
    day: str
    version: int | None
    already_done: bool = False
    files: tuple[dict[str, Any], ...] = ()
    moved: tuple[dict[str, Any], ...] = ()
    retired: tuple[dict[str, Any], ...] = ()
    born: tuple[dict[str, Any], ...] = ()
    not_made: tuple[dict[str, Any], ...] = ()
    waiting: int = 0
    held: str = ""
    """Why nothing was changed, when a guardrail held the night."""
    stopped: str = ""
    """Why nothing new was made, when that was a decision."""
    why: tuple[str, ...] = ()
    budgets: tuple[dict[str, Any], ...] = ()
    """Money of the night per segment and placement (`schemas.BUDGETS`)."""
    alerts: tuple[str, ...] = ()
    simulated: str = ""
    seconds: float = 0.0
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def missed_line(self) -> str:
        """One line about the ideas that gave no ad; '' when each did."""
        told = [missed_of(one) for one in self.not_made]
        return missed_sentence(len(self.born) + len(told), told) if told else ""

    def sentence(self) -> str:
        """The night in one line of plain words."""
        day = date.fromisoformat(self.day)
        if self.version and all(m["from"] == 0 for m in self.moved) and self.moved and not self.retired:
            return first_night_sentence(
                day,
                version=self.version,
                ads=len(self.moved),
                made=len(self.born),
                simulated=bool(self.simulated),
            )
        return night_sentence(
            day,
            version=self.version,
            moved=[Move(m["name"], m["segment"], m["from"], m["to"]) for m in self.moved],
            retired=[Change(r["name"], r["segment"], _shortened(r["why"])) for r in self.retired],
            born=[Change(b["name"], b["segment"], _descent(b)) for b in self.born],
            waiting=self.waiting,
            nothing_made_because=self.held or self.stopped,
            simulated=bool(self.simulated),
        )


def nightly(
    path: str | Path,
    *,
    now: datetime,
    day: date | None = None,
    progress: Callable[[int, int], None] | None = None,
    stop_before: Callable[[str], None] = lambda step: None,
) -> Night:
    """Run the night of `day` (default: today in the campaign's zone) for a campaign file.

    `stop_before` is called with each step's name before it runs: a test kills the process there.

    Raises:
        Busy: another process holds this night.
    """
    with open_desk(path) as desk:
        check_vocabulary(desk.campaign)
        day = day or business_date(now, desk.campaign.zone)
        owner = f"{socket.gethostname()}:{os.getpid()}"
        with desk.workspace.write() as conn:
            run = runs.claim(
                conn,
                desk.campaign.key,
                day,
                now=now,
                owner=owner,
                lease_seconds=LEASE_SECONDS,
                seed=decide.seed_of(desk.campaign, day),
                config=desk.campaign.source_hash,
                gone=_gone,
            )
        if run.status == "done":
            done = night_of(run)
            if done is None:
                raise Refused(f"{day} is the eve of the flight; the first night is {desk.campaign.start}")
            return replace(done, already_done=True)
        return _Steps(desk, run, day, now, progress, stop_before).all()


@dataclass
class _Steps:
    desk: Desk
    run: runs.Run
    day: date
    now: datetime
    progress: Callable[[int, int], None] | None
    stop_before: Callable[[str], None]

    def all(self) -> Night:
        files = self._step("ingest", self._ingest)
        plan = self._step("decide", self._decide)
        born = self._step("create", self._create, plan)
        published = self._step("publish", self._publish, plan)
        refused = published.get("refused", "")
        summary: dict[str, Any] = {
            "campaign": self.desk.campaign.key,
            "day": self.day.isoformat(),
            "version": published["version"],
            "files": files["files"],
            "moved": published["moved"],
            "retired": published["retired"],
            "born": born["born"],
            "not_made": born["not_made"],
            "waiting": born["waiting"],
            "held": plan["held"],
            "stopped": "" if born["born"] else _stop_reason(plan["why"]),
            "why": plan["why"],
            "budgets": plan.get("budgets", []),
            "alerts": [
                *files["alerts"],
                *plan["alerts"],
                *([f"nothing published: {refused}"] if refused else []),
            ],
            "simulated": self.desk.campaign.simulated,
            "seconds": born["seconds"],
        }
        self.stop_before("deliver")
        summary["outputs"] = deliver(self.desk, now=self.now, night=summary, sheet=not refused)
        self.stop_before("finish")
        with self.desk.workspace.write() as conn:
            runs.finish(conn, self.run, "done", summary, now=self.now)
        return Night(**_tuples(summary))

    def _step(self, name: str, work: Callable[..., dict[str, Any]], *inputs: Any) -> dict[str, Any]:
        """A step's stored output, or its work done now. Work gets no connection: it opens its own transaction."""
        with self.desk.workspace.read() as conn:
            known = runs.step(conn, self.run, name)
        if known is not None:
            return known
        self.stop_before(name)
        return work(*inputs)

    def _finish(self, conn: Connection, name: str, output: dict[str, Any]) -> dict[str, Any]:
        runs.finish_step(conn, self.run, name, output, now=self.now)
        return output

    def _ingest(self) -> dict[str, Any]:
        taken = ingest_inbox(self.desk, now=self.now)
        alerts = [f"refused {t.problem}" for t in taken if t.status == "refused"]
        with self.desk.workspace.write() as conn:
            return self._finish(conn, "ingest", {"files": [asdict(t) for t in taken], "alerts": alerts})

    def _decide(self) -> dict[str, Any]:
        campaign = self.desk.campaign
        with self.desk.workspace.write() as conn:
            held, alerts = self._guard(conn)
            if held:
                foretell.judge(conn, self.desk, day=self.day)
                empty: dict[str, Any] = {"shares": [], "proposals": [], "retire": [], "diagnostics": {}}
                return self._finish(conn, "decide", {**empty, "why": [held], "held": held, "alerts": alerts})
            plan = decide.decide(conn, campaign, day=self.day, files=self.desk.workspace.files)
            output = plan.to_dict()
            wanted = decide.within_creation_budget(campaign, output["proposals"])
            output["proposals"] = decide.with_takes(conn, campaign, wanted)
            output |= foretell.tonight(conn, self.run, self.desk, plan, day=self.day)
            return self._finish(conn, "decide", {**output, "held": "", "alerts": alerts})

    def _guard(self, conn: Connection) -> tuple[str, list[str]]:
        """Why this night must change nothing (or ''), and alerts that stop nothing."""
        campaign = self.desk.campaign
        if self.day > campaign.end:
            return f"the flight ended on {campaign.end}; nothing is changed", [
                f"flight over since {campaign.end}"
            ]
        if current(conn, campaign.key) is None:
            return "", []
        newest = ledger.freshness(conn, campaign.key)
        last = max((f.last_day for f in newest), default=None)
        if last is None:
            return "", ["no report has arrived yet"]
        age = (self.day - last).days
        if age > campaign.stale_after_days:
            held = f"the newest report day is {last}, {age} days old; nothing is changed on stale data"
            return held, [held]
        return _limits(campaign, arm_days(conn, self.desk))

    def _create(self, plan: dict[str, Any]) -> dict[str, Any]:
        ideas = [
            Idea(p["segment"], Genome.of(p["attributes"]), tuple(p["parents"] or ()), p.get("take", 0))
            for p in plan["proposals"]
        ]
        batch = draft.make(self.desk, ideas, progress=self.progress)
        with self.desk.workspace.write() as conn:
            born = draft.save(conn, self.desk, batch, self.run, control=False, now=self.now)
            why = {(p["segment"], Genome.of(p["attributes"]).key): p for p in plan["proposals"]}
            output = {
                "born": [
                    {
                        "arm_id": m.creative.arm_id,
                        "segment": m.creative.segment,
                        "name": called(m.creative.arm_id, m.creative.genome.as_dict()),
                        "attributes": m.creative.genome.as_dict(),
                        "parents": list(m.creative.parents),
                        "expected_gain": why[m.creative.segment, m.creative.genome.key].get("expected_gain"),
                        "why": why[m.creative.segment, m.creative.genome.key].get("why") or "",
                    }
                    for m in batch.made
                    if m.creative.arm_id in born
                ],
                "not_made": [
                    {
                        "segment": n.idea.segment,
                        "attributes": n.idea.genome.as_dict(),
                        "gates": list(n.gates),
                        "reason": n.reason,
                    }
                    for n in batch.not_made
                ],
                "waiting": draft.waiting(conn, self.desk),
                "seconds": round(batch.seconds, 3),
            }
            return self._finish(conn, "create", output)

    def _publish(self, plan: dict[str, Any]) -> dict[str, Any]:
        try:
            with self.desk.workspace.write() as conn:
                done = publish.publish(conn, self.desk, plan, day=self.day, now=self.now)
                return self._finish(conn, "publish", done)
        except (Unlicensed, BrokenPromise) as refusal:
            # The night goes on without it: its report is what tells the person who has to read that licence or promise.
            with self.desk.workspace.write() as conn:
                last = current(conn, self.desk.campaign.key)
                kept: dict[str, Any] = {"version": last.number if last else None, "moved": [], "retired": []}
                return self._finish(conn, "publish", {**kept, "refused": str(refusal)})


def _limits(campaign: Campaign, days: pa.Table) -> tuple[str, list[str]]:
    """Guardrails on what was delivered: a spent budget holds the night, a click rate under its floor is said aloud."""
    spent = sum(days["spend_micros"].to_pylist())
    if spent >= campaign.total_micros > 0:
        held = f"the budget is spent: {spent / MICROS:,.2f} of {campaign.total_micros / MICROS:,.2f} {campaign.currency}"
        return held, [held]
    newest = sorted(set(days["day"].to_pylist()))[-RECENT_DAYS:]
    recent = [row for row in days.to_pylist() if row["day"] in newest]
    shown, clicks = (sum(row[name] for row in recent) for name in ("impressions", "clicks"))
    if shown and clicks / shown < campaign.min_ctr:
        told = f"{clicks / shown:.2%} clicks in the last {len(newest)} days, under guardrails.min_ctr {campaign.min_ctr:.2%}"
        return "", [told]
    return "", []


def _gone(owner: str) -> bool:
    """True when an owner was a process of this machine and is no more: after a kill nobody waits for its lease."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def missed_of(told: Mapping[str, Any]) -> Missed:
    """An idea that gave no ad, as a night's summary keeps it."""
    genome = Genome.of(told.get("attributes", {}))
    return Missed(told["segment"], genome, told["reason"], tuple(told.get("gates", ())))


def night_of(run: runs.Run) -> Night | None:
    """What a finished run did; None for the run that only made the starting creatives."""
    return Night(**_tuples(run.summary)) if "version" in run.summary else None


def _stop_reason(why: list[str]) -> str:
    """The first sentence that says why nothing was made, without its segment."""
    marks = (
        "nothing found",
        "nothing made",
        "no room",
        "no clicks yet",
        "nothing to grow",
        "every allowed idea",
    )
    for sentence in why:
        text = sentence.partition(": ")[2] or sentence
        if text.startswith("nothing made: "):
            return text.removeprefix("nothing made: ").partition(" = ")[0]
        if text.startswith(marks):
            return text.partition(":")[0]
    return ""


def _shortened(text: str) -> str:
    """A retirement's reason in a few words; the whole of it stands in the report."""
    found = re.search(rf"earns (\d+)% less than the leader ({ARM_ID_PATTERN})", text)
    if found:
        return f"earns {found[1]} % less than {short(found[2])}"
    return re.sub(ARM_ID_PATTERN, lambda m: short(m.group()), text)


def _descent(born: dict[str, Any]) -> str:
    gain = born["expected_gain"]
    parts = [f"from {short(born['parents'][0])}" if born["parents"] else ""]
    parts += [f"expected {gain:+.0%}".replace("%", " %") if gain is not None else ""]
    return ", ".join(p for p in parts if p)


def _tuples(summary: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in summary.items()}
