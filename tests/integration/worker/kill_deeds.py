"""What is done to workers and to Redis in a kill run."""
import collections
import os
import pathlib
import signal
import threading
import time

import redis as redis_module

from sandbox import wait_for
from sv_scripts import Scripts

LEASE_S = 1.0
FREEZE_S = (0.3, 2.5, 4.0)  # a nap within the lease, and two beyond it
LOSS_S = 1.0                # what appendfsync everysec may lose
WRITTEN_TRIES = 50          # to find the AOF written up to now
LAG_MS = 1000               # how far a replica may be behind its primary
KEYS_A_MOVE, MOVE_PAUSE_S = 5, 0.02


class Killer:
    """Kills workers and starts others; `deeds` are names out of DEEDS, done in turn between the kills."""

    def __init__(self, world, store, load, watcher, dice, deeds, workers):
        self.world, self.store, self.load, self.watcher, self.dice = world, store, load, watcher, dice
        self.deeds, self.workers = list(deeds), workers
        self.done = collections.Counter()
        self.died = collections.Counter()  # with what in hand
        self.kills = self.taken_over = 0
        self.frozen = []  # (worker, when to let it go, what it held then)
        self.late = []    # commits under a fence that was taken over
        self.lost = []    # (first, last) ms: what Redis was given between them it may have forgotten
        self.mark = None  # (ms, files of the AOF with their sizes) a while ago
        self.move = None  # the thread that moves a slot

    def share(self):
        return self.died["claims"] / max(self.kills, 1)

    def told(self):
        deeds = ", ".join(f"{name} {count}" for name, count in sorted(self.done.items())) or "none"
        return (f"kills {self.kills}: {self.died['claims']} between claim and commit ({self.share():.0%}), "
                f"{self.died['entries']} between read and admission, {self.died['nothing']} with nothing in hand; "
                f"{self.taken_over} claims taken over from the frozen; deeds: {deeds}")

    def awake(self):
        asleep = [worker for worker, _, _ in self.frozen]
        return [worker for worker in self.world.workers if worker.alive() and worker not in asleep]

    def fill(self):
        """As many workers as there are to be; nobody waits until they are ready."""
        while sum(worker.alive() for worker in self.world.workers) < self.workers:
            self.world.start_worker(wait=False)

    # --- workers ---

    def stop_while(self, holds, worker, deadline_s):
        """SIGSTOP at an instant at which the worker holds something; what Redis says is then what it stopped with."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end and worker.alive():
            if holds(worker.name):
                worker.signal(signal.SIGSTOP)
                if holds(worker.name):
                    return True
                worker.signal(signal.SIGCONT)
        return False

    def kill_one(self):
        victim, where = self.dice.choice(self.awake()), self.dice.random()
        if where < 0.5:  # between claim and commit
            self.stop_while(self.store.claims, victim, 3)
        elif where < 0.75:  # between read and admission, if it is this worker that reads them
            self.load.burst()
            self.stop_while(self.store.taken, victim, 0.1)
        else:  # anywhere: waiting, claiming, committing
            time.sleep(self.dice.random() * 0.2)
        victim.signal(signal.SIGSTOP)
        held = "claims" if self.store.claims(victim.name) else "entries" if self.store.taken(victim.name) else "nothing"
        self.died[held] += 1
        victim.kill()
        self.kills += 1
        self.fill()

    def freeze(self):
        victims = self.awake()
        if len(victims) < 2 or self.frozen:
            return False
        victim = self.dice.choice(victims)
        if not self.stop_while(self.store.claims, victim, 3):
            return False
        until = time.monotonic() + self.dice.choice(FREEZE_S) * LEASE_S
        self.frozen.append((victim, until, self.store.claims(victim.name)))
        return True

    def thaw(self, everything=False):
        for one in list(self.frozen):
            worker, until, held = one
            if everything:
                time.sleep(max(0.0, until - time.monotonic()))
            if time.monotonic() >= until:
                self.let_go(worker, held)
                self.frozen.remove(one)

    def let_go(self, worker, held):
        """SIGCONT. Whatever was taken from the worker meanwhile may not be committed under its old fence any more."""
        now = dict(zip(held, self.store.fields(held, "f", "cf")))
        taken = {key: fence for key, fence in held.items()
                 if int(now[key][0] or 0) > fence and int(now[key][1] or 0) != fence}
        self.taken_over += len(taken)
        worker.signal(signal.SIGCONT)
        end = time.monotonic() + 0.7
        while taken and time.monotonic() < end:
            for key, (committed,) in zip(list(taken), self.store.fields(taken, "cf")):
                if int(committed or 0) == taken[key]:
                    self.late.append(f"{key}: committed under fence {taken.pop(key)} after it was taken over")

    def drain(self):
        """SIGTERM: the worker hands its work back and ends well."""
        victims = self.awake()
        if len(victims) < 2:
            return False
        victim = self.dice.choice(victims)
        code = victim.stop()
        assert code == 0, f"a worker that was asked to end ended with {code}: {victim.text()[-1500:]}"
        self.fill()
        return True

    # --- Redis ---

    def leases_end(self):
        """All leases end at once, as by the clock of another primary that is ahead; what is under way then comes too late."""
        for shard, tag in enumerate(self.store.tags):
            scripts = Scripts(self.world.redis, shard=shard)
            for uid in self.world.redis.zrange(tag + "run", 0, -1):
                self.world.redis.zadd(tag + "run", {uid: 1}, xx=True)
                scripts.reap_found(uid.decode(), crash_wait_ms=500, reclaims_max=1_000_000)
        return True

    def cut(self):
        """Every connection is closed by the server."""
        self.world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        return True

    def flush_scripts(self):
        self.world.redis.script_flush()
        return True

    def drop_group(self):
        for tag in self.store.tags:
            self.world.redis.execute_command("XGROUP", "DESTROY", tag + "jobs", "verify")
        self.wait_groups()
        return True

    def wait_groups(self):
        """Until the workers have made the groups again: questions about them fail before that."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                for tag in self.store.tags:
                    self.world.redis.xpending(tag + "jobs", "verify")
                return
            except redis_module.exceptions.ResponseError:
                self.fill()
                time.sleep(0.02)
        raise AssertionError("the consumer group did not come back within 30 s")

    def full(self):
        """No room for a while, in which a worker dies and another one begins."""
        self.world.redis.config_set("maxmemory", 1)
        self.kill_one()
        time.sleep(self.dice.random() * 0.6)
        self.world.redis.config_set("maxmemory", 0)
        return True

    def redis_kill(self):
        """kill -9 and a new start. With appendfsync always everything that was answered is there again."""
        self.world.redis_server.kill()
        time.sleep(self.dice.random() * 0.3)
        self.world.redis_server.start()
        return True

    def look_back(self):
        """Remembers how far the AOF goes, once a while: a power cut then may take what came after."""
        if "redis_loses" not in self.deeds or (self.mark and time.time() - self.mark[0] / 1000 < LOSS_S):
            return
        for _ in range(WRITTEN_TRIES):  # while an fsync is slow Redis holds back up to two seconds
            begin = int(time.time() * 1000)
            if self.world.redis.info("persistence")["aof_buffer_length"] == 0:
                break
            time.sleep(0.005)
        else:
            return
        files = {path: path.stat().st_size for path in pathlib.Path(self.world.redis_server.folder).glob("appendonlydir/*.incr.aof")}
        self.mark = (begin, files)

    def redis_loses(self):
        """A power cut with appendfsync everysec: what was written since the mark is gone, for up to two seconds back."""
        if not self.mark or time.time() - self.mark[0] / 1000 > 2 * LOSS_S:
            return False
        begin, files = self.mark
        self.world.redis_server.kill()
        for path, size in files.items():
            os.truncate(path, size)
        self.world.redis_server.start()
        self.lost.append((begin - 1, int(time.time() * 1000)))
        self.watcher.forget()
        self.frozen = [(worker, until, {}) for worker, until, _ in self.frozen]
        self.mark = None
        return True

    # --- a primary with replicas ---

    def change_primary(self, begin_s, old):
        """Waits until another server is the primary; what the old one took meanwhile, or had not passed on, is gone."""
        group = self.world.redis_server
        new, _ = group.wait_promoted(old)
        if old.process is None:
            old.config["replicaof"] = f"127.0.0.1 {new.port}"
            old.start()
            del old.config["replicaof"]
        wait_for(lambda: group.primary is new, "the Sentinels to agree", 60)
        group.wait_replicas(new)
        self.lost.append((int(begin_s * 1000) - LAG_MS, int(time.time() * 1000)))
        self.watcher.forget()
        self.frozen = [(worker, until, {}) for worker, until, _ in self.frozen]
        self.world.redis.connection_pool.disconnect()
        return True

    def fail_over(self):
        """An operator's fail-over."""
        begin = time.time()
        return self.change_primary(begin, self.world.redis_server.fail_over())

    def primary_kill(self):
        """kill -9 of the primary; a replica takes over, and the old one comes back as a replica."""
        old, begin = self.world.redis_server.primary, time.time()
        old.kill()
        return self.change_primary(begin, old)

    # --- a cluster ---

    def slot_move(self):
        """A shard's slot goes to another node, few keys at a time, while everything else goes on."""
        self.end_move()
        cluster = self.world.redis_server
        slot = cluster.slot_of(self.dice.choice(self.store.tags))
        owner = cluster.owner_of(slot)
        to = self.dice.choice([server for server in cluster.primaries() if server is not owner])
        self.move = threading.Thread(target=cluster.move_slot, args=(slot, to, KEYS_A_MOVE, MOVE_PAUSE_S))
        self.move.start()
        return True

    def end_move(self):
        if self.move is not None:
            self.move.join(120)
            assert not self.move.is_alive(), "a slot did not arrive within two minutes"
            self.move = None

    def do_one(self):
        """The next deed; one that cannot be done now is left out."""
        if not self.deeds:
            return
        name = self.deeds.pop(0)
        self.deeds.append(name)
        self.done[name.replace("_", " ")] += bool(getattr(self, name)())

    def may_be_lost(self, entry):
        return any(first <= int(entry.partition("-")[0]) <= last for first, last in self.lost)


DEEDS = ("freeze", "drain", "leases_end", "cut", "flush_scripts", "drop_group", "full", "redis_kill", "redis_loses",
         "fail_over", "primary_kill", "slot_move")
