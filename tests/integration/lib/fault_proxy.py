"""A network that misbehaves, between a client and a server on this machine. No root is needed.

    with FaultProxy(server.path) as proxy:       # a unix socket's path, or (host, port)
        ... client of proxy.address ...
        proxy.down.delay_s = 2                   # what the server says comes 2 s later
        proxy.up.cut(17)                         # after 17 more bytes to the server the connection ends

`proxy.up` is the way from client to server, `proxy.down` the way back; their attributes may be changed at any time and hold for
the bytes that come next. It is a thread with a loop of its own: the test is not held up by it.

`RedisProxy` also reads the commands that go up, counts them and may put others in their place.
"""
import asyncio
import collections
import hashlib
import random
import socket
import ssl
import struct
import threading
import time

CHUNK = 64 * 1024
LOOK_S = 0.005  # how often one that is held back looks whether it may go on
PIECE_S = 0.0002  # between two pieces, so that the peer may see each by itself
CLOSED = object()


class Cut:
    """One connection ends when so many more bytes went this way, over all connections. `done` says that it happened."""

    def __init__(self, after, reset):
        self.left = after
        self.reset = reset
        self.done = threading.Event()


class Way:
    def __init__(self, seed):
        self.delay_s = 0.0     # from coming in to going out; later bytes are delayed alongside, not behind
        self.rate = 0          # bytes a second on one connection; 0 = as fast as can be
        self.piece = 0         # bytes in one write, each sent by itself; 0 = as they came
        self.copies = 1        # how often everything is said
        self.garble = 0.0      # chance of a byte to become another one
        self.silent = False    # bytes are kept until this ends; new connections are accepted all the same
        self.rewrite = None    # bytes -> bytes, last of all
        self.carried = 0       # bytes handed on
        self.random = random.Random(seed)
        self.plan = None

    def cut(self, after, reset=False):
        """Ends the connection that carries the byte after the next `after` ones; with `reset` as a crash would."""
        self.plan = Cut(after, reset)
        return self.plan.done

    def calm(self):
        """No fault any more."""
        self.delay_s, self.rate, self.piece, self.copies, self.garble = 0.0, 0, 0, 1, 0.0
        self.silent, self.rewrite, self.plan = False, None, None

    def spoil(self, data):
        if self.garble:
            data = bytes(self.random.randrange(256) if self.random.random() < self.garble else b for b in data)
        data *= self.copies
        return data if self.rewrite is None else self.rewrite(data)


class Link:
    """One accepted connection and its counterpart."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.writers = [client]
        self.opened_at = time.monotonic()
        self.gone = False

    def end(self, reset):
        self.gone = True
        for writer in self.writers:
            if reset:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()

    async def write(self, way, writer, data):
        """Hands on; False when the connection was cut."""
        plan, rest = way.plan, len(data)
        if plan is not None and plan.left < len(data):
            way.plan, rest = None, plan.left
        elif plan is not None:
            plan.left -= len(data)
        size = way.piece or (max(1, way.rate // 50) if way.rate else max(rest, 1))
        for at in range(0, rest, size):
            piece = data[at:min(at + size, rest)]
            writer.write(piece)
            await writer.drain()
            way.carried += len(piece)
            if way.rate:
                await asyncio.sleep(len(piece) / way.rate)
            elif way.piece:
                await asyncio.sleep(PIECE_S)
        if plan is None or way.plan is plan:
            return True
        self.end(plan.reset)
        plan.done.set()
        return False

    async def fetch(self, way, reader, queue, change):
        try:
            while data := await reader.read(CHUNK):
                for part in change(data):
                    queue.put_nowait((time.monotonic() + way.delay_s, part))
        except OSError:
            pass
        queue.put_nowait((0, CLOSED))

    async def carry(self, way, reader, writer, change=lambda data: [data]):
        """One direction until it ends."""
        queue = asyncio.Queue()
        fetching = asyncio.ensure_future(self.fetch(way, reader, queue, change))
        try:
            while True:
                due, data = await queue.get()
                if (wait_s := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait_s)
                while way.silent and not self.gone:
                    await asyncio.sleep(LOOK_S)
                if data is CLOSED or self.gone or not await self.write(way, writer, way.spoil(data)):
                    break
            if not self.gone and writer.can_write_eof():
                writer.write_eof()
        except (OSError, RuntimeError):  # the other side is gone
            pass
        finally:
            fetching.cancel()


class FaultProxy:
    """`certificate`: (certificate, key) for clients that come over TLS; faults are those of the clear bytes."""

    def __init__(self, target, seed=None, certificate=None):
        self.target = target
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.up, self.down = Way(self.seed), Way(self.seed + 1)
        self.links = set()
        self.accepted = 0       # connections so far
        self.accepted_at = []   # and when, monotonic
        self.loop = asyncio.new_event_loop()
        self.port = 0

    def __enter__(self):
        print(f"fault proxy: seed {self.seed}")
        begun = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(begun,), daemon=True)
        self.thread.start()
        assert begun.wait(20), "the proxy does not start"
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def calm(self):
        self.up.calm()
        self.down.calm()

    def silence(self, silent=True):
        """A black hole: nobody hears anything, nothing is closed; afterwards what was kept goes on."""
        self.up.silent = self.down.silent = silent

    def end_all(self, reset=False):
        """Ends every connection that is open now."""
        asyncio.run_coroutine_threadsafe(self._end_all(reset), self.loop).result(20)

    def open_links(self):
        return len(self.links)

    async def _end_all(self, reset):
        for link in list(self.links):
            link.end(reset)

    def _run(self, begun):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.context))
        self.port = server.sockets[0].getsockname()[1]
        begun.set()
        self.loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def _connect(self):
        if isinstance(self.target, str):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    def changes(self, link):
        """What becomes of the bytes that come in from the client: a function bytes -> list of bytes."""
        return lambda data: [data]

    async def _accept(self, client_in, client_out):
        link = Link(self, client_out)
        self.accepted += 1
        self.accepted_at.append(link.opened_at)
        self.links.add(link)
        try:
            server_in, server_out = await self._connect()
            link.writers.append(server_out)
            await asyncio.gather(link.carry(self.up, client_in, server_out, self.changes(link)),
                                 link.carry(self.down, server_in, client_out))
        except OSError:  # nobody is there
            pass
        finally:
            if not link.gone:
                link.end(reset=False)
            self.links.discard(link)


class Commands:
    """The commands (RESP arrays) in a stream of bytes, however it is cut."""

    def __init__(self):
        self.rest = b""

    def _words(self):
        """The first command's words and its length; None when it is not whole."""
        at, words = self.rest.find(b"\r\n"), []
        if at < 0:
            return None
        count, at = int(self.rest[1:at]), at + 2
        for _ in range(count):
            end = self.rest.find(b"\r\n", at)
            if end < 0:
                return None
            begin, size = end + 2, int(self.rest[at + 1:end])
            at = begin + size + 2
            if len(self.rest) < at:
                return None
            words.append(self.rest[begin:begin + size])
        return words, at

    def feed(self, data):
        self.rest += data
        while (found := self._words()) is not None:
            self.rest = self.rest[found[1]:]
            yield found[0]


def command_bytes(*words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


ERROR = "return redis.error_reply(ARGV[1])"


def error_instead(text):
    """The words of a command that Redis answers with this error. RedisProxy has the script loaded: EVAL is not for the least user."""
    return ["EVALSHA", hashlib.sha1(ERROR.encode()).hexdigest(), 0, text]


class RedisProxy(FaultProxy):
    """Before a RedisServer; a client speaks TLS with it where it would with the server.

    `replace`: words -> None (leave it), or the words of another command to be sent in its place."""

    def __init__(self, server, seed=None):
        super().__init__(server.path, seed, server.tls)
        self.server = server
        self.replace = None
        self.commands = collections.Counter()
        self.replaced = 0

    def __enter__(self):
        self.server.client().script_load(ERROR)
        return super().__enter__()

    def environment(self):
        """The settings of a worker that comes this way."""
        return self.server.environment(self.port)

    def changes(self, link):
        commands = Commands()

        def change(data):
            out = []
            for words in commands.feed(data):
                self.commands[words[0].upper().decode()] += 1
                other = self.replace(words) if self.replace is not None else None
                self.replaced += other is not None
                out.append(command_bytes(*(words if other is None else other)))
            return out
        return change
