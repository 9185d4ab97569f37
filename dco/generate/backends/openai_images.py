"""Hosted models behind OpenAI's images API, or any server that speaks it: GPT Image, DALL-E, gateways, local servers.

A request whose options the renderer knows, with a strength below 1, is an edit of its render, so that the copy space
stays where the layout expects it; one with an `init` picture is an edit of that; every other one is drawn from its words. Hosted models take no seed and may change
under their name: a picture is reproducible only as long as the workspace keeps it.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from dco.errors import BadInput, BadModel, DcoError
from dco.generate.backend import Defaults, Preview, Progress
from dco.generate.batching import reason
from dco.generate.cover import cover, enlargement, inside
from dco.generate.diffusion.inpainting import composite
from dco.generate.hosted.loopback import is_loopback
from dco.generate.hosted.models import Kind, kind_of, parse_sizes
from dco.generate.hosted.prices import AS_OF, CURRENCY, SOURCE, Prices, parse_prices
from dco.generate.paint.render import render
from dco.generate.picture import Failure, Outcome, Picture, Pixels
from dco.generate.request import Request
from dco.generate.soundness import inspect
from dco.generate.vocabulary import Look
from dco.records import content_hash

if TYPE_CHECKING:
    from dco.generate.hosted.api import HostedApi

OPENAI = "https://api.openai.com/v1"
MOST_ENLARGED = 2.0
"""A picture that came back smaller than asked for is refused beyond this; it would be shown blurred."""
KEEP_LAYOUT = (
    "Turn this sketch into a finished picture: {}. Keep its layout: the horizon, the main forms and above all the calm, "
    "empty areas stay exactly where they are. Add no text, no logo, no people and no product."
)


class Backend:
    """A hosted model.

    Args:
        model: the provider's name of it; a dated snapshot changes least.
        base_url: where the API answers; https, or http on this machine.
        key_env: the environment variable that holds the API key. OPENAI_API_KEY goes to api.openai.com only unless it is
            named here; a server on this machine needs none.
        quality: as the model knows it, such as low, medium or high; default the model's own.
        sizes: what the model draws, such as "1024x1024, 1536x1024", or "any"; default what is known of it.
        edits: whether it can start from a picture; default what is known of it.
        prompt_limit: longest prompt in characters; default what is known of it.
        url_hosts: further hosts a picture may be fetched from, such as "cdn.example.com, other.example:8443".
        timeout_s: seconds until an answer must be complete. retries: further tries after rate limits, server errors and
            silence. concurrency: pictures asked for at a time.
        prices: micros per picture by size and quality, such as "1024x1024/high=167000, */*=50000"; default the
            provider's list where it is known. currency: of `prices`.

    Raises:
        BadInput: an option that cannot be meant.
    """

    hosted = True
    """Drawn elsewhere: what this machine spends is waiting, and no energy is booked for it (see `energy.Meter.of`)."""

    def __init__(
        self,
        model: str = "gpt-image-2.5-sunburst",
        base_url: str = OPENAI,
        key_env: str = "",
        quality: str = "",
        sizes: str = "",
        edits: bool | None = None,
        prompt_limit: int = 0,
        url_hosts: str = "",
        timeout_s: float = 180.0,
        retries: int = 2,
        concurrency: int = 4,
        prices: str = "",
        currency: str = CURRENCY,
    ) -> None:
        for name, value, pattern in (
            ("model", model, r"[\w./:@-]{1,100}"),
            ("quality", quality, r"[A-Za-z]{0,20}"),
            ("currency", currency, r"[A-Z]{3}"),
            ("key_env", key_env, r"([A-Z][A-Z0-9_]*_)?API_KEY|"),
        ):
            if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
                # The value is not repeated: somebody may have put the key itself there.
                raise BadInput(f"backend option {name}: expected a text of the form {pattern}")
        for name, number, low, high in (
            ("timeout_s", timeout_s, 0.1, 3600), ("retries", retries, 0, 10), ("concurrency", concurrency, 1, 32),
            ("prompt_limit", prompt_limit, 0, 10**6),
        ):  # fmt: skip
            if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
                raise BadInput(f"backend option {name}: expected {low:g} to {high:g}, got {number!r}")
        self.url, self.host = _address(base_url)
        self.model, self.quality, self.key_env = model, quality, key_env
        known = kind_of(model)
        self.kind = Kind(
            parse_sizes(sizes) if sizes else known.sizes,
            int(prompt_limit) or known.prompt,
            known.edits if edits is None else edits,
        )
        self.own = self.url == OPENAI
        self.prices = Prices(parse_prices(prices), currency if prices.strip() else CURRENCY, listed=self.own)
        self.timeout_s, self.retries, self.concurrency = float(timeout_s), int(retries), int(concurrency)
        self.url_hosts = frozenset(filter(None, (part.strip().lower() for part in url_hosts.split(","))))
        self.license: dict[str, Any] = {
            # The provider's terms are for whoever has the account to read: the campaign file states model.license.
            "license": "not stated",
            "model": model,
            "provider": self.host,
            "reproducible": False,
            "note": "hosted: not reproducible, the provider may change the model under its name",
            "prices": "as stated in the options" if prices.strip() else f"{SOURCE}, read {AS_OF}" if self.own else "not known",
        }  # fmt: skip

    @property
    def model_id(self) -> str:
        """Provider, model, and a hash of the options that change pictures. The same id does not promise the same pixels."""
        body = [self.url, self.model, self.quality, self.kind.sizes, self.kind.edits, KEEP_LAYOUT]
        return f"openai_images-{self.host}-{self.model}-{content_hash(body, length=8)}"

    @property
    def defaults(self) -> Defaults:
        """Strength below 1, so that the render's layout is kept; steps and guidance are the provider's own affair."""
        return Defaults(12, 1.0, 0.6)

    def unable(self, request: Request) -> dict[str, str]:
        """Fields of a request that the model cannot draw, each with the reason."""
        none = "a hosted model takes none; use a checkpoint on this machine"
        found = {name: none for name in ("style", "control", "adapters", "toward") if getattr(request, name)}
        if request.init is not None and not self.kind.edits:
            found["init"] = f"{self.model} cannot start from a picture; set option edits if it can"
        return found

    @cached_property
    def _api(self) -> HostedApi:
        try:
            from dco.generate.hosted.api import HostedApi
        except ImportError as error:
            raise BadModel(f"backend 'openai_images' needs the extra dco[api] ({reason(error)})") from error
        name = self.key_env or ("OPENAI_API_KEY" if self.own else "")
        key = os.environ.get(name, "").strip() if name else ""
        if not key and (name or not is_loopback(urlsplit(self.url).hostname or "")):
            way = f"set {name}" if name else "set option key_env to the name of the variable that holds it"
            raise BadModel(f"backend 'openai_images': no API key for {self.host} in the environment; {way}")
        return HostedApi(
            self.url, key, own=self.own, hosts=self.url_hosts, timeout=self.timeout_s, retries=self.retries
        )

    def generate(
        self,
        requests: Sequence[Request],
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> Iterator[Outcome]:
        """One outcome per request, in order; a refusal by the provider's content policy is a `Failure` with its code."""
        if not requests:
            return
        _ = self._api  # made here and once, and not by the first four threads
        pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="images")
        try:
            waiting = [pool.submit(self._make, request) for request in requests]
            for done, future in enumerate(waiting, start=1):
                yield future.result()
                if progress:
                    progress(done, len(requests))
        finally:
            # A refused key or an impatient caller: what has not begun is not begun.
            pool.shutdown(wait=False, cancel_futures=True)

    def _make(self, request: Request) -> Outcome:
        started, key = perf_counter(), request.key(self.model_id)
        try:
            size = self.kind.size_for(request.width, request.height)
            start, mask = self._start(request, size)
            arguments = self._arguments(request, size, edit=start is not None)
            answer = self._api.draw(arguments, start, mask)
            pixels = self._fitted(request, answer.pixels, size)
        except BadModel:
            raise
        except Exception as error:
            return Failure(request, key, reason(error))
        if fault := inspect(pixels, (request.width, request.height)):
            return Failure(request, key, fault)
        drawn = answer.size or arguments["size"]
        micros = self.prices.of(self.model, drawn, answer.quality or self.quality, answer.usage)
        currency = "" if micros is None else self.prices.currency
        return Picture(request, key, pixels, perf_counter() - started, micros=micros, currency=currency)

    def _start(self, request: Request, size: tuple[int, int]) -> tuple[bytes | None, bytes | None]:
        """The picture to start from and the mask of what may change, as PNG."""
        for name, why in self.unable(request).items():
            raise BadInput(f"request, {name}: {why}")
        if request.init is not None:
            start = inside(request.init.pixels, *size)
            if request.mask is None:
                return _png(start), None
            # The protocol repaints what is transparent.
            kept = 255 - inside(request.mask.pixels, *size)
            return _png(start), _png(np.dstack([start, kept]))
        look = _look(request) if self.kind.edits else None
        if look is None:
            return None, None
        painted = render(look, *size, request.seed, grain=False)
        return _png(np.clip(painted * 255 + 0.5, 0, 255).astype(np.uint8)), None

    def _arguments(self, request: Request, size: tuple[int, int], *, edit: bool) -> dict[str, Any]:
        text = KEEP_LAYOUT.format(request.prompt) if edit and request.init is None else request.prompt
        if request.negative:
            text += f" Avoid: {request.negative}."
        if len(text) > self.kind.prompt:
            raise BadInput(
                f"request, prompt: {len(text):,} characters; {self.model} reads at most {self.kind.prompt:,}"
            )
        arguments: dict[str, Any] = {
            "model": self.model,
            "prompt": text,
            "size": f"{size[0]}x{size[1]}",
            "n": 1,
        }
        if self.quality:
            arguments["quality"] = self.quality
        if not self.model.startswith(("gpt-image-", "chatgpt-image")):
            # Those always send the bytes and refuse to be asked for them.
            arguments["response_format"] = "b64_json"
        return arguments

    def _fitted(self, request: Request, drawn: Pixels, size: tuple[int, int]) -> Pixels:
        high, wide = drawn.shape[:2]
        if (scale := enlargement(wide, high, request.width, request.height)) > MOST_ENLARGED:
            raise BadInput(
                f"{self.host} drew {wide}x{high} where {size[0]}x{size[1]} was asked for; {request.width}x"
                f"{request.height} needs it enlarged {scale:.1f} times (at most {MOST_ENLARGED:g})"
            )
        pixels = cover(drawn, request.width, request.height)
        if request.init is None or request.mask is None:
            return pixels
        # A hosted model takes a mask as a hint; what was to be kept is put back.
        return composite(
            request.init.pixels, pixels.astype(np.float32) / np.float32(255), request.mask.pixels
        )


def _look(request: Request) -> Look | None:
    """What to start from; None where the request wants none, or asks for what the renderer cannot paint."""
    try:
        return request.look() if request.strength < 1 else None
    except DcoError:
        return None


def _png(pixels: Pixels) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", compress_level=1)
    return data.getvalue()


def _address(base_url: str) -> tuple[str, str]:
    """The address without its last slash, and its host as errors name it."""
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname or "", parts.port
    except (ValueError, AttributeError):
        parts, host = urlsplit(""), ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if (
        not safe
        or not host
        or not base_url.isascii()
        or parts.username is not None
        or parts.query
        or parts.fragment
    ):
        raise BadInput(
            "backend option base_url: expected an https:// address without user or query (http:// on this machine only), "
            f"such as {OPENAI}"
        )
    return base_url.rstrip("/"), host
