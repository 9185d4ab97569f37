"""A local server that speaks OpenAI's images API over real HTTP, and answers as a test tells it to."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, NamedTuple

import numpy as np
from PIL import Image


class Ask(NamedTuple):
    """A request as it arrived: `number` counts from 1, `headers` have names in lower case, `image` is the picture to edit."""

    number: int
    path: str
    headers: dict[str, str]
    fields: dict[str, str]
    image: bytes | None
    mask: bytes | None

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.fields.get("size", "128x128").split("x")
        return int(width), int(height)


class Reply(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]


def picture(seed: str, width: int, height: int, kind: str = "PNG") -> bytes:
    """A soft picture that depends on its seed alone."""
    rng = np.random.default_rng(list(hashlib.sha256(seed.encode()).digest()))
    small = Image.fromarray(rng.integers(0, 255, (6, 6, 3), np.uint8))
    data = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(data, kind)
    return data.getvalue()


def json_reply(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | headers)


def picture_reply(data: bytes, **more: Any) -> Reply:
    return json_reply({"created": 1, "data": [{"b64_json": base64.b64encode(data).decode()}], **more})


def error_reply(status: int, code: str, message: str, **headers: str) -> Reply:
    body = {"error": {"code": code, "message": message, "type": "image_generation_user_error", "param": None}}
    return json_reply(body, status, **headers)


def draw(ask: Ask) -> Reply:
    """What a healthy server says: the same words and the same start give the same picture."""
    start = hashlib.sha256(ask.image or b"").hexdigest()
    return picture_reply(picture(ask.fields["prompt"] + start, *ask.size))


Answer = Callable[[Ask], Reply]


@contextmanager
def serving(answer: Answer = draw) -> Iterator[tuple[str, list[Ask]]]:
    """The address of a server (as option base_url), and the list of what it was asked."""
    asked: list[Ask] = []
    server = _server(answer, asked)
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


@lru_cache
def healthy() -> str:
    """The address of one healthy server that lives as long as the tests."""
    return f"http://127.0.0.1:{_server(draw, []).server_port}/v1"


def _server(answer: Answer, asked: list[Ask]) -> ThreadingHTTPServer:
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(*_fields(self.headers["Content-Type"], body))

        def do_GET(self) -> None:
            self._answer({}, {})

        def _answer(self, fields: dict[str, str], files: dict[str, bytes]) -> None:
            with lock:
                headers = {k.lower(): v for k, v in self.headers.items()}
                ask = Ask(len(asked) + 1, self.path, headers, fields, files.get("image"), files.get("mask"))
                asked.append(ask)
            reply = answer(ask)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                pass  # the other side has lost its patience, as some tests want it to

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def _fields(kind: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    if kind.startswith("application/json"):
        return {name: str(value) for name, value in json.loads(body).items()}, {}
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    fields, files = {}, {}
    for part in message.get_payload():
        name, data = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if part.get_filename():
            files[name] = data
        else:
            fields[name] = data.decode()
    return fields, files
