"""The door to a hosted image API that speaks OpenAI's images protocol. Loaded when the first picture is made.

An answer is never trusted: its bytes, pixels, format and address are bounded before anything is decoded or fetched.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx2
import numpy as np
import openai
from numpy.typing import NDArray
from PIL import Image

from dco.errors import BadModel, GenerationFailed
from dco.generate.hosted.loopback import is_loopback

MAX_ANSWER = 64 * 2**20
"""Bytes of one answer. The largest picture sold today, 8 megapixels as base64 of a PNG, has about half."""
MAX_PIXELS = 16_000_000
GIVE_UP = 3
"""Pictures in a row that found nobody at home; those after them are not tried, or a night would wait till morning."""

_KEY = re.compile(r"\b(sk|key|Bearer)[-_ ][\w*.-]{4,}", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """A picture as the API drew it, and what it says about it. `usage` counts tokens, None where it does not."""

    pixels: NDArray[np.uint8]
    size: str
    quality: str
    usage: Any


class HostedApi:
    """Asks for one picture at a time; may be used from several threads.

    Args:
        base_url: where the API answers. key: the secret, sent there and nowhere else.
        own: the address is the provider's own, so its account headers may be sent along.
        hosts: further "host" or "host:port" that a picture may be fetched from, besides the API's own.
        timeout: seconds until an answer must be complete. retries: further tries after 429, 5xx and silence; the
            client waits as `Retry-After` says (up to two minutes), else twice as long each time.
    """

    def __init__(
        self, base_url: str, key: str, *, own: bool, hosts: frozenset[str], timeout: float, retries: int
    ) -> None:
        self._url, self._key, self._hosts = httpx2.URL(base_url), key, hosts
        self._timeout, self._tries = timeout, retries + 1
        self._silent, self._lock = 0, Lock()
        self._closed: BadModel | None = None
        self._plain = self._http()
        self._client = openai.OpenAI(
            api_key=key or "none", base_url=base_url, max_retries=retries, timeout=timeout, http_client=self._http()
        )  # fmt: skip
        if not own:
            self._client.organization = self._client.project = None

    def _http(self) -> httpx2.Client:
        # A redirect could lead anywhere; a proxy has no business between a program and its own machine.
        direct = is_loopback(self._url.host) or proxy_bypass(self._url.host)
        proxy = None if direct else getproxies().get("https")
        return httpx2.Client(
            transport=_Bounded(self._timeout, proxy),
            timeout=httpx2.Timeout(self._timeout, connect=min(10.0, self._timeout)),
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
        )

    def draw(self, arguments: dict[str, Any], start: bytes | None, mask: bytes | None = None) -> Answer:
        """One picture for the arguments of images.generate, or of images.edit when there is a PNG to start from.

        Args:
            mask: a PNG of the same size, transparent where the start may change.

        Raises:
            GenerationFailed: there is none; says why in one line. BadModel: nor will there be for any other request.
        """
        if self._closed:
            raise self._closed
        if self._silent >= GIVE_UP:
            raise GenerationFailed(
                f"not tried: {self._url.host} was silent for the last {GIVE_UP} pictures; run again when it answers"
            )
        try:
            if start is None:
                said: Any = self._client.images.generate(**arguments)
            else:
                more: dict[str, Any] = {"mask": ("mask.png", mask, "image/png")} if mask else {}
                said = self._client.images.edit(image=("start.png", start, "image/png"), **more, **arguments)
        except openai.APIConnectionError as error:
            with self._lock:
                self._silent += 1
            raise GenerationFailed(self._unreachable(error)) from None
        except openai.APIStatusError as error:
            self._silent = 0
            refusal = self._refusal(error)
            if isinstance(refusal, BadModel):
                self._closed = refusal
            raise refusal from None
        except (openai.OpenAIError, ValueError) as error:
            # Broken JSON under a JSON header, or what the client itself will not send.
            raise GenerationFailed(
                f"{self._url.host}: an answer that cannot be read ({self.clean(error)})"
            ) from None
        self._silent = 0
        return self._read(said)

    def clean(self, text: object) -> str:
        """A text of the other side as one printable line without secrets."""
        line = " ".join(str(text).split())
        line = "".join(c if c.isprintable() else "?" for c in line)
        if self._key:
            line = line.replace(self._key, "[secret]")
        line = _KEY.sub("[secret]", line)
        return line if len(line) <= 240 else line[:237] + "..."

    def _unreachable(self, error: openai.APIConnectionError) -> str:
        tries = f" ({self._tries} tries)" if self._tries > 1 else ""
        if isinstance(error, openai.APITimeoutError):
            return f"{self._url.host} did not answer within {self._timeout:g} s{tries}"
        return f"{self._url.host} cannot be reached{tries}: {self.clean(error.__cause__ or error)}"

    def _refusal(self, error: openai.APIStatusError) -> Exception:
        body = error.body if isinstance(error.body, dict) else {}
        code = self.clean(body.get("code") or body.get("type") or "")
        message = self.clean(body.get("message") or f"HTTP {error.status_code}")
        host = self._url.host
        if error.status_code == 401:
            # The answer quotes a part of the key; it is not repeated.
            return BadModel(
                f"{host}: the API key is not accepted (HTTP 401); set the right one in the environment"
            )
        if error.status_code in (403, 404):
            return BadModel(
                f"{host}: HTTP {error.status_code}, {message}; check options model and base_url, and what the key may do"
            )
        if 300 <= error.status_code < 400:
            message = "it redirects, which is not followed; set option base_url to the final address"
        return GenerationFailed(f"{host}: {code}: {message}" if code else f"{host}: {message}")

    def _read(self, said: Any) -> Answer:
        data = getattr(said, "data", None)
        first = data[0] if isinstance(data, list) and data else None
        encoded, url = getattr(first, "b64_json", None), getattr(first, "url", None)
        if isinstance(encoded, str) and encoded:
            try:
                pixels = decode(base64.b64decode(encoded, validate=True))
            except binascii.Error:
                raise GenerationFailed(f"{self._url.host}: the picture is no valid base64") from None
        elif isinstance(url, str) and url:
            pixels = decode(self._fetch(url))
        else:
            raise GenerationFailed(f"{self._url.host}: an answer without a picture")
        size, quality = (str(getattr(said, name, None) or "") for name in ("size", "quality"))
        return Answer(pixels, size, quality, getattr(said, "usage", None))

    def _fetch(self, address: str) -> bytes:
        try:
            url = httpx2.URL(address)
        except (httpx2.InvalidURL, ValueError):
            raise GenerationFailed(f"{self._url.host}: the picture's address cannot be read") from None
        if not (_place(url) == _place(self._url) or (url.scheme == "https" and self._hosts & _names(url))):
            raise GenerationFailed(
                f"{self._url.host}: the picture lies at {self.clean(_place(url))!r}, which is not fetched; "
                "name the host in option url_hosts if it is the provider's"
            )
        try:
            answer = self._plain.get(url)
        except httpx2.HTTPError as error:
            raise GenerationFailed(
                f"{url.host}: the picture cannot be fetched ({self.clean(error)})"
            ) from None
        if answer.status_code != 200:
            raise GenerationFailed(f"{url.host}: the picture cannot be fetched (HTTP {answer.status_code})")
        return answer.content


class _Bounded(httpx2.HTTPTransport):
    """Reads an answer whole, within a size and a time, and never unpacks one. What is too large becomes an error answer
    that the client does not ask for again."""

    def __init__(self, seconds: float, proxy: str | None) -> None:
        super().__init__(proxy=proxy)
        self._seconds = seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        until = monotonic() + self._seconds
        answer = super().handle_request(request)
        try:
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                return _error(
                    request, 415, "compressed_answer", "the answer is compressed, which was not asked for"
                )
            body = bytearray()
            for part in answer.stream:  # type: ignore[union-attr]
                body += part
                if len(body) > MAX_ANSWER:
                    return _error(
                        request, 413, "answer_too_large", f"the answer has more than {MAX_ANSWER:,} bytes"
                    )
                if monotonic() > until:
                    raise httpx2.ReadTimeout("the answer is not complete in time", request=request)
        finally:
            answer.close()
        headers = [(k, v) for k, v in answer.headers.multi_items() if k.lower() != "transfer-encoding"]
        return httpx2.Response(answer.status_code, headers=headers, content=bytes(body), request=request)


def decode(data: bytes) -> NDArray[np.uint8]:
    """Bytes of a PNG, JPEG or WebP as uint8[height, width, 3], laid on white where it is transparent.

    Raises:
        GenerationFailed: something else, damaged, or larger than `MAX_PIXELS`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise GenerationFailed(
                    f"the picture has {width} x {height} pixels; at most {MAX_PIXELS:,} are decoded"
                )
            if not image.has_transparency_data:
                return np.array(image.convert("RGB"))
            over = image.convert("RGBA")
            paper = Image.new("RGBA", over.size, "white")
            return np.array(Image.alpha_composite(paper, over).convert("RGB"))
    except Image.UnidentifiedImageError:
        raise GenerationFailed("the answer is no PNG, JPEG or WebP picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise GenerationFailed(
            f"the picture has too many pixels; at most {MAX_PIXELS:,} are decoded"
        ) from None
    except (OSError, ValueError, SyntaxError) as error:
        raise GenerationFailed(f"the picture is damaged ({error})") from None


def _place(url: httpx2.URL) -> str:
    port = url.port or {"https": 443, "http": 80}.get(url.scheme, 0)
    return f"{url.scheme}://{url.host}:{port}"


def _names(url: httpx2.URL) -> set[str]:
    port = url.port or 443
    return {url.host, f"{url.host}:{port}"} if port == 443 else {f"{url.host}:{port}"}


def _error(request: httpx2.Request, status: int, code: str, message: str) -> httpx2.Response:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return httpx2.Response(
        status, headers={"content-type": "application/json"}, content=body, request=request
    )
