"""What a kill run has to answer for, counted from the events and the records themselves."""
import collections
import json
import signal

import doctor
from checker import check
from frugal import windows_held

MOVES = {
    (None, "pending_verification"), ("pending_verification", "verified"), ("pending_verification", "failed"),
    ("verified", "at_risk"), ("verified", "failed"), ("at_risk", "verified"), ("at_risk", "failed"),
    ("failed", "verified"), ("pending_verification", "removed"), ("verified", "removed"), ("at_risk", "removed"),
    ("failed", "removed"), (None, "removed"),
}
OUTCOMES = ("done", "rejected", "coalesced", "dead")


class Fold:
    """All events of all domains, put together as a consumer would."""

    def __init__(self, events):
        self.status, self.number = {}, {}
        self.gaps = self.repeats = self.wrong_from = 0
        self.moves = collections.Counter()
        self.outcomes, self.answers = collections.Counter(), collections.Counter()
        self.events = len(events)
        for event in events:
            if ".domain." in event["type"]:
                self.add(event["source"], int(event["sequence"]), event["data"]["from"], event["data"]["to"])
            else:
                self.answers[event["id"]] += 1
                self.outcomes[event["data"]["outcome"]] += 1

    def add(self, source, number, before, after):
        last, told = self.number.get(source, 0), self.status.get(source)
        self.gaps += number > last + 1
        self.repeats += number <= last
        if before is None and told == "removed":
            told = None  # registered anew
        self.wrong_from += before != told
        if before != after:
            self.moves[(before, after)] += 1
        self.number[source], self.status[source] = max(number, last), after

    @property
    def transitions(self):
        return sum(self.moves.values())

    def differing(self, store):
        """Records that are not what their events say."""
        count = 0
        keys = store.keys("d:*")
        for key, (status, number) in zip(keys, store.fields(keys, "st", "seq")):
            source = "/sesverify/default/" + key.decode().rpartition(":")[2]
            kept, told = (None if status == b"new" else status.decode()), self.status.get(source)
            unheard = {None, "removed"}  # given up before it was registered: nobody heard of it
            count += int(number or 0) != self.number.get(source, 0) or (kept != told and not {kept, told} <= unheard)
        return count


class Watcher:
    """Commits per domain: the fence of the last one may only rise."""

    def __init__(self, store):
        self.store, self.last, self.fallen = store, {}, []

    def look(self):
        keys = self.store.keys("d:*")
        for key, (committed,) in zip(keys, self.store.fields(keys, "cf")):
            fence = int(committed or 0)
            if fence < self.last.get(key, 0):
                self.fallen.append(f"{key}: a commit under fence {fence} after one under {self.last[key]}")
            self.last[key] = fence

    def forget(self):
        """After a loss of writes fences may be given out a second time."""
        self.last = {}


def windows(world, rate):
    """Calls of SES, and by how many any window of T seconds exceeded 2 + rate x T."""
    actions = world.sandbox.control.get("/calls")["actions"]
    return (sum(action["count"] for action in actions.values()),
            max((windows_held(action["arrivals_ms"], 2, rate) for action in actions.values()), default=0))


def unanswered(load, killer, fold):
    """(jobs that Redis took and nobody answered, those of them that went with its last writes)"""
    answered = {(int(shard), entry) for _, shard, entry in (name.split(".") for name in fold.answers)}
    words = collections.defaultdict(list)
    for job in load.sent:
        words[job.word].append(job)
    open_ = [jobs for jobs in words.values() if not any((job.shard, job.entry) in answered for job in jobs)]
    lost = [jobs for jobs in open_ if all(killer.may_be_lost(job.entry) for job in jobs)]
    return len(open_) - len(lost), len(lost)


def repeats_seen(read):
    """What a consumer saw that had read all along while Redis lost writes: ids it knew, and numbers that said something else."""
    known, again, other, unranked = {}, 0, 0, 0
    for event in read:
        if ".domain." not in event["type"]:
            continue
        place = (event["source"], event["sequence"])
        if place not in known:
            known[place] = event
        elif known[place]["id"] == event["id"]:
            again += 1
        else:
            other += 1
            unranked += event["epoch"] <= known[place]["epoch"]
    return again, other, unranked


def count(world, store, load, killer):
    """(all figures of the run, the fold of its events)"""
    read = list(store.events())
    fold, counters = Fold(store.read_anew()), store.counters()
    open_, lost = unanswered(load, killer, fold)
    again, other, unranked = repeats_seen(read)
    counts = {
        "kills": killer.kills, "between claim and commit": killer.died["claims"], "between read and admission": killer.died["entries"],
        "with nothing in hand": killer.died["nothing"], "taken over from the frozen": killer.taken_over,
        "sent": len(load.sent), "refused by Redis": load.unsent, "accepted": counters["accepted"],
        "known already": counters["duplicate"] + counters["vanished"], **{name: fold.outcomes[name] for name in OUTCOMES},
        "never answered": open_, "lost with Redis's last writes": lost,
        "answered twice": sum(times > 1 for times in fold.answers.values()),
        "events": fold.events, "transitions": fold.transitions, "gaps": fold.gaps, "repeats": fold.repeats,
        "wrong from": fold.wrong_from, "state != fold": fold.differing(store), "conflicts": counters["conflict"],
        "seen again under the old id": again, "seen again under another id": other,
        "such without a higher epoch": unranked,
        "fenced commits": counters["stale"], "leases found lost": sum(w.text().count('"lease_lost"') for w in world.workers),
        "reaped": counters["reaped"], **{f"deed {name}": times for name, times in sorted(killer.done.items())},
    }
    return counts, fold


def judge(world, store, load, killer, watcher, drain_s, rate, held_up_s):
    """(what was wrong, why the run does not count)"""
    counts, fold = count(world, store, load, killer)
    calls, excess = windows(world, rate)
    print(f"SES calls {calls}, worst excess of a window over 2 + {rate} x T {excess:.2f}; drained in {drain_s:.1f} s; "
          f"{counts['transitions'] / len(load.names):.1f} transitions per domain")
    print(killer.told())
    print("counts " + json.dumps(counts))
    wrong = watcher.fallen + killer.late + check(world.redis, shards=store.shards, rest=True)
    wrong += [f"a worker ended by itself with {worker.process.returncode}: {worker.text()[-1500:]}"
              for worker in world.workers if worker.process.poll() not in (0, -signal.SIGKILL)]
    wrong += doctor.complaints(world, store.shards)
    wrong += [f"a move that is not in the table: {move}" for move in fold.moves if move not in MOVES]
    zero = ["gaps", "repeats", "wrong from", "state != fold", "answered twice", "never answered", "conflicts",
            "such without a higher epoch"]
    if not killer.lost and counts["accepted"] + counts["known already"] != counts["sent"]:
        wrong.append(f"{counts['sent']} jobs were sent, {counts['accepted']} accepted and {counts['known already']} known already")
    wrong += [f"{counts[name]} {name}" for name in zero if counts[name]]
    if sum(fold.answers.values()) != counts["accepted"]:
        wrong.append(f"{counts['accepted']} jobs were accepted, {sum(fold.answers.values())} answered")
    if excess > rate * held_up_s:  # a call comes as late as its worker was held up after it had its permit
        wrong.append(f"a window held {excess:.2f} calls of SES too many")
    return wrong, uncounted(fold, store.counters(), load, killer)


def uncounted(fold, counters, load, killer):
    """Why a run without fault proves little."""
    reasons = []
    if killer.share() < 0.3:
        reasons.append("less than 30 % of the kills fell between claim and commit")
    if fold.transitions < 5 * len(load.names):
        reasons.append("less than five transitions per domain")
    if counters["stale"] == 0:
        reasons.append("no commit was fenced")
    return reasons


def uncounted_yet(store, load, killer, watcher):
    """True while more kills are worth their time. Without fence checks no commit is fenced; then the ones that should have
    been are enough."""
    reasons = uncounted(Fold(store.events()), store.counters(), load, killer)
    if killer.late or watcher.fallen:
        reasons = [reason for reason in reasons if "fenced" not in reason]
    return bool(reasons)
