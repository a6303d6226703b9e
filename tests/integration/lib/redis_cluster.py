"""A Redis Cluster of three primaries and three replicas, for one test.

    with RedisCluster() as cluster:
        cluster.client().ping()
        cluster.move_slot(cluster.slot_of("sv:{0}:jobs"), cluster.primaries()[1])

Made by CLUSTER commands, without redis-cli --cluster; every server is a RedisServer with a port.
"""
import binascii
import time

import redis

from redis_server import RedisServer, Servers, free_port
from sandbox import wait_for

SLOTS = 16384
NODE_TIMEOUT_MS = 1000  # so that fail-overs are soon


def cluster_info(server):
    text = server.client().execute_command("CLUSTER", "INFO")
    return dict(line.split(":") for line in text.split("\r\n") if line)


class Client(redis.RedisCluster):
    def keys(self, pattern="*"):
        """Those of all nodes, not of any one."""
        return super().keys(pattern, target_nodes=self.PRIMARIES)

    def client_list(self):
        """The clients of all primaries."""
        return [one for node in self.get_primaries() for one in redis.RedisCluster.client_list(self, target_nodes=node)]


class RedisCluster(Servers):
    """`server` are options of every RedisServer; with `tls` its nodes talk to each other and to the worker by TLS. A node that is
    silent for `node_timeout_ms` is taken for dead."""

    def __init__(self, primaries=3, replicas=3, password=None, node_timeout_ms=NODE_TIMEOUT_MS, **server):
        config = {"cluster-enabled": "yes", "cluster-config-file": "nodes.conf", "cluster-node-timeout": str(node_timeout_ms),
                  "cluster-replica-validity-factor": "0", "repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1",
                  **server.pop("config", {})}
        if password is not None:
            config["masterauth"] = password
        if server.get("tls"):
            config.update({"tls-cluster": "yes", "tls-replication": "yes"})
        self.has_tls = bool(server.get("tls"))
        server = {"aof": True, "fsync": "everysec", **server}
        self.password = password
        self.servers = [RedisServer(port=True, password=password, config=config, **server) for _ in range(primaries + replicas)]
        self.primaries_count = primaries

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        """All nodes; what they were told the first time, they know the next time."""
        was_up = self.servers[0].was_up
        for server in self.servers:
            self._start_server(server)
        if not was_up:
            self._meet()
        self.wait_ok()

    def _meet(self):
        first = self.servers[0].client()
        step = SLOTS // self.primaries_count
        for i, server in enumerate(self.servers[:self.primaries_count]):
            last = SLOTS - 1 if i == self.primaries_count - 1 else (i + 1) * step - 1
            server.client().execute_command("CLUSTER", "ADDSLOTSRANGE", i * step, last)
            server.client().execute_command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        for server in self.servers[1:]:
            first.execute_command("CLUSTER", "MEET", "127.0.0.1", self.port_of(server), server.bus_port)
        wait_for(lambda: all(cluster_info(s)["cluster_known_nodes"] == str(len(self.servers))
                             for s in self.servers), "the nodes to know each other", 30)
        for i, server in enumerate(self.servers[self.primaries_count:]):
            server.client().execute_command("CLUSTER", "REPLICATE", self.id_of(self.servers[i % self.primaries_count]))

    @staticmethod
    def _start_server(server):
        """The bus needs a port as well; ours may be too high for the usual port + 10000."""
        if not server.was_up:
            server.bus_port = free_port()
            server.config["cluster-port"] = server.bus_port
        server.start()

    def wait_ok(self, deadline_s=60):
        """All running nodes serve, and every replica is in step."""
        def is_ok():
            running = [s for s in self.servers if s.process]
            try:
                good = all(cluster_info(s)["cluster_state"] == "ok" for s in running)
                roles = [s.client().execute_command("ROLE") for s in running]
            except redis.exceptions.RedisError:
                return False
            return good and all(r[0] == "master" or r[3] == "connected" for r in roles)
        wait_for(is_ok, "the cluster to be whole", deadline_s)

    def close(self):
        for server in self.servers:
            server.close()

    # --- who is what ---

    def port_of(self, server):
        return server.tls_port if self.has_tls else server.port

    @staticmethod
    def slot_of(key):
        begin = key.find("{")
        end = key.find("}", begin + 1)
        if begin >= 0 and end > begin + 1:
            key = key[begin + 1:end]
        return binascii.crc_hqx(key.encode(), 0) % SLOTS

    @staticmethod
    def id_of(server):
        return server.client().execute_command("CLUSTER", "MYID")

    def primaries(self):
        return [s for s in self.servers if s.process and s.client().execute_command("ROLE")[0] == "master"]

    @staticmethod
    def seen_owner(server, slot):
        """The id of the node that serves the slot, as this server sees it."""
        for first, last, node, *_ in server.client().execute_command("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return node[2]
        return None

    def owner_of(self, slot):
        """The server that believes of itself that it serves the slot."""
        return next((server for server in self.primaries() if self.seen_owner(server, slot) == self.id_of(server)), None)

    # --- moving a slot, as redis-cli --cluster reshard does it ---

    def agreed_owner_of(self, slot):
        """The server that every running one believes to serve the slot; None while they differ about that or about the epochs of
        primaries. Who moves a slot on before its new epoch is known to all gets the same epoch twice, and an owner that changes back."""
        views = []
        for server in (s for s in self.servers if s.process):
            nodes = server.client().execute_command("CLUSTER NODES").values()
            epochs = {node["node_id"]: node["epoch"] for node in nodes if "master" in node["flags"]}
            views.append((epochs, self.seen_owner(server, slot)))
        epochs, owner = views[0]
        if any(view != views[0] for view in views) or len(set(epochs.values())) < len(epochs) or owner is None:
            return None
        return next(server for server in self.servers if server.process and self.id_of(server) == owner)

    def begin_move(self, slot, to):
        source = wait_for(lambda: self.agreed_owner_of(slot), f"the nodes to agree on the owner of slot {slot}", 60)
        to.client().execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        source.client().execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(to))
        return source

    def move_keys(self, slot, source, to, count=10):
        """Moves at most `count` keys; how many there were."""
        keys = source.client().execute_command("CLUSTER", "GETKEYSINSLOT", slot, count)
        if keys:
            auth = ["AUTH", self.password] if self.password else []
            words = ["MIGRATE", "127.0.0.1", self.port_of(to), "", 0, 5000, "REPLACE", *auth, "KEYS", *keys]

            def moved():
                try:
                    return source.client().execute_command(*words)
                except redis.exceptions.ResponseError as error:  # on a busy machine nodes take each other for dead
                    if "CLUSTERDOWN" not in str(error):
                        raise
                    return None
            wait_for(moved, "the cluster to be up again", 60)
        return len(keys)

    def end_move(self, slot, source, to):
        for server in [to, source, *(s for s in self.primaries() if s not in (to, source))]:
            server.client().execute_command("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(to))
        owner = self.id_of(to)
        wait_for(lambda: all(self.seen_owner(s, slot) == owner for s in self.primaries()), "all to know the new owner", 30)

    def move_slot(self, slot, to, count=10, pause_s=0):
        """The whole move, `count` keys at a time."""
        source = self.begin_move(slot, to)
        while self.move_keys(slot, source, to, count) > 0:
            time.sleep(pause_s)  # work goes on in between: that is what is tested
        self.end_move(slot, source, to)
        return source

    # --- as a RedisServer ---

    @property
    def pids(self):
        return [server.pid for server in self.servers if server.process]

    @property
    def path(self):
        """Of one node."""
        return self._only().path

    @property
    def tls(self):
        return self._only().tls

    def _only(self):
        assert len(self.servers) == 1, "a proxy stands before one node"
        return self.servers[0]

    def environment(self, port=None):
        """The settings of a worker of this Cluster, or of one that comes by the port of a proxy before its only node."""
        if port is None:
            return {"SESVERIFY_REDIS_URL": self.url()}
        self._only().client().config_set("cluster-announce-port", port)  # so that nobody is told of the way around the proxy
        return {"SESVERIFY_REDIS_URL": f"redis+cluster://127.0.0.1:{port}"}

    def client(self, **options):
        """A client that follows redirects, over TCP."""
        options.setdefault("decode_responses", True)
        first = next(s for s in self.servers if s.process)
        return Client(host="127.0.0.1", port=first.port, password=self.password, **options)

    def cli(self):
        first = next(s for s in self.servers if s.process)
        return ["-c", "-h", "127.0.0.1", "-p", str(first.port)] + (["-a", self.password] if self.password else [])

    def url(self, servers=None):
        hosts = ",".join(f"127.0.0.1:{self.port_of(s)}" for s in servers or self.servers)
        return f"{'rediss' if self.has_tls else 'redis'}+cluster://{':' + self.password + '@' if self.password else ''}{hosts}"
