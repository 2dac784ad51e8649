"""A small HTTP/1.1 server on reference sockets: enough for curl, http.client and browsers.

``GET`` and ``HEAD`` of files below a directory, and of generated octets at ``/octets/N``; ``PUT`` and ``POST`` answer
with the SHA-256 of the body in hexadecimal, and store nothing. Bodies have a Content-Length; connections are kept
open (RFC 9112 9.3). A request that cannot be read is answered with 4xx and ends its connection.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from wireproof.reference.loop import Loop
from wireproof.reference.sockets import SHUT_WR, Socket, Stack

CHUNK = 65536
LONGEST_HEAD = 16384
"""Octets of request line and fields."""
GREETING = b"This is the wireproof reference stack: TCP as its specification says.\n"
KNOWN = ("DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT")
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
}


def octets(count: int) -> Iterator[bytes]:
    """``count`` octets that never repeat, the same each time, in pieces: what ``/octets/N`` gives."""
    for begin in range(0, count, CHUNK):
        yield hashlib.shake_128(b"wireproof%d" % begin).digest(min(CHUNK, count - begin))


def contents(file: Path, length: int) -> Iterator[bytes]:
    """The first ``length`` octets of a file, in pieces; fewer when it has shrunk meanwhile."""
    with file.open("rb") as stream:
        while length and (piece := stream.read(min(CHUNK, length))):
            yield piece
            length -= len(piece)


class Refused(Exception):  # noqa: N818 - a request that gets an answer, not a fault of the server
    """A request that is answered with an error."""

    def __init__(self, status: int):
        super().__init__(REASONS[status])
        self.status = status


class Server:
    """Serves on ``port`` of a stack's host. ``root`` None: no files.

    ``largest`` is the most that ``/octets/N`` gives and that a body may have, in octets.
    """

    def __init__(self, stack: Stack, port: int = 80, root: Path | None = None, largest: int = 1 << 30):
        self.root = root.resolve() if root is not None else None
        self.largest = largest
        self.requests = 0
        self.loop: Loop = stack.loop
        self.listener = stack.socket()
        self.listener.bind((stack.host.address, port))
        self.listener.listen(64)
        self.task = self.loop.spawn(self._accept())

    async def _accept(self) -> None:
        while True:
            connection, _ = await self.listener.aaccept()
            self.loop.spawn(Connection(self, connection).run())

    def body(self, target: str) -> tuple[int, Iterator[bytes], str]:
        """What a request target names: its length in octets, the octets, the media type."""
        path = unquote(urlsplit(target).path)
        count = path.removeprefix("/octets/")
        if count != path and count.isdecimal() and count.isascii():
            if len(count) > 20 or int(count) > self.largest:
                raise Refused(413)
            return int(count), octets(int(count)), "application/octet-stream"
        if self.root is not None and "\0" not in path:
            file = (self.root / path.lstrip("/")).resolve()
            if file.is_dir():
                file /= "index.html"
            if file.is_relative_to(self.root) and file.is_file():
                length = file.stat().st_size
                media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                return length, contents(file, length), media_type
        if path == "/":
            return len(GREETING), iter([GREETING]), "text/plain"
        raise Refused(404)


class Connection:
    """One client."""

    def __init__(self, server: Server, socket: Socket):
        self.server = server
        self.socket = socket
        self.rest = b""
        """Received and not used yet."""

    async def run(self) -> None:
        """Answer requests until either side has had enough. A client that resets ends it silently."""
        try:
            while await self._request():
                pass
            self.socket.shutdown(SHUT_WR)
            # Reading on keeps text that is still under way from turning our close into a reset.
            while await self.socket.arecv(CHUNK):
                pass
        except OSError:
            pass
        finally:
            self.socket.close()

    async def _request(self) -> bool:
        """Answer one request; whether the connection stays."""
        stays = False
        try:
            head = await self._head()
            if head is None:
                return False
            self.server.requests += 1
            method, target, fields = head
            if method in ("GET", "HEAD"):
                # Whatever the answer is, there is no body that would be taken for the next request.
                stays = keeps(fields) and fields.get("content-length", "0") == "0"
                await self._give(target, stays, with_body=method == "GET")
            elif method in ("PUT", "POST"):
                await self._take(fields)
                stays = keeps(fields)
            else:
                raise Refused(405 if method in KNOWN else 501)
        except Refused as refused:
            text = f"{refused}\n".encode()
            await self.socket.asendall(answer(refused.status, len(text), "text/plain", stays) + text)
        return stays

    async def _head(self) -> tuple[str, str, dict[str, str]] | None:
        """Method, target and fields (names in lower case); None when the client has closed."""
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            if len(self.rest) > LONGEST_HEAD:
                raise Refused(431)
            more = await self.socket.arecv(CHUNK)
            if not more:
                return None
            self.rest += more
        lines = self.rest[:end].decode("latin-1").split("\r\n")
        self.rest = self.rest[end + 4 :]
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Refused(400)
        fields: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise Refused(400)
            fields[name.lower()] = value.strip()
        if words[2] == "HTTP/1.0":
            fields.setdefault("connection", "close")
        return words[0], words[1], fields

    async def _give(self, target: str, stays: bool, with_body: bool) -> None:
        length, pieces, media_type = self.server.body(target)
        await self.socket.asendall(answer(200, length, media_type, stays))
        if not with_body:
            return
        for piece in pieces:
            await self.socket.asendall(piece)
            length -= len(piece)
        if length:
            # Only closing tells the client that this is not all.
            raise ConnectionError("the file has shrunk")

    async def _take(self, fields: dict[str, str]) -> None:
        if "transfer-encoding" in fields or not fields.get("content-length", "").isdecimal():
            raise Refused(411)
        left = int(fields["content-length"])
        if left > self.server.largest:
            raise Refused(413)
        if fields.get("expect", "").lower() == "100-continue":
            await self.socket.asendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        digest = hashlib.sha256()
        while left:
            piece = self.rest[:left] if self.rest else await self.socket.arecv(min(CHUNK, left))
            if not piece:
                raise ConnectionError("the body ended early")
            if self.rest:
                self.rest = self.rest[len(piece) :]
            digest.update(piece)
            left -= len(piece)
        text = digest.hexdigest().encode() + b"\n"
        await self.socket.asendall(answer(200, len(text), "text/plain", keeps(fields)) + text)


def keeps(fields: dict[str, str]) -> bool:
    """Whether the client wants the connection to stay."""
    return fields.get("connection", "").lower() != "close"


def answer(status: int, length: int, media_type: str, stays: bool) -> bytes:
    """The head of a response."""
    lines = [
        f"HTTP/1.1 {status} {REASONS[status]}",
        "Server: wireproof",
        f"Content-Type: {media_type}",
        f"Content-Length: {length}",
        f"Connection: {'keep-alive' if stays else 'close'}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
