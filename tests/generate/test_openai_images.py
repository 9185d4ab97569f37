"""Hosted pictures over real HTTP, with a server that refuses, stalls, lies and fails as real ones do."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_api import Ask, Reply, draw, error_reply, json_reply, picture, picture_reply, serving
from PIL import Image

from dco.errors import BadInput, BadModel
from dco.generate.backend import load_backend
from dco.generate.backends.openai_images import OPENAI
from dco.generate.cache import PictureCache
from dco.generate.cover import cover, inside
from dco.generate.diffusion.inpainting import composite
from dco.generate.hosted.models import any_size
from dco.generate.hosted.prices import Prices, parse_prices
from dco.generate.models.licence import record_of
from dco.generate.paint.render import render
from dco.generate.picture import Failure, Picture
from dco.generate.reference import Reference
from dco.generate.request import Request
from dco.generate.studio import make

LOOK = {"scene": "beach", "palette": "teal"}


def backend(url: str, **options: Any) -> Any:
    return load_backend(
        "openai_images",
        **{"base_url": url, "sizes": "96x96, 144x96, 96x144", "edits": True, "retries": 0} | options,
    )


def png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def words(*texts: str, width: int = 96, height: int = 96) -> list[Request]:
    """Requests that are drawn from their words."""
    return [Request.of({}, width, height, 1, prompt=text, strength=1.0) for text in texts]


def outcomes(answer: Any, requests: list[Request], **options: Any) -> tuple[list[Any], list[Ask]]:
    with serving(answer) as (url, asked):
        return list(backend(url, **options).generate(requests)), asked


def failed(outcome: Any) -> str:
    assert isinstance(outcome, Failure)
    assert "\n" not in outcome.reason and "Traceback" not in outcome.reason
    return outcome.reason


def test_a_picture_of_words_alone_is_generated_at_the_nearest_size() -> None:
    (made,), (ask,) = outcomes(
        draw, words("a quiet pier", width=120, height=70), model="some-model", quality="high"
    )
    assert isinstance(made, Picture) and made.pixels.shape == (70, 120, 3)
    assert ask.path == "/v1/images/generations" and ask.image is None
    expected = {
        "prompt": "a quiet pier",
        "model": "some-model",
        "size": "144x96",
        "quality": "high",
        "n": "1",
    }
    assert ask.fields == expected | {"response_format": "b64_json"}
    drawn = Image.open(io.BytesIO(picture("a quiet pier" + sha256(b"").hexdigest(), 144, 96)))
    assert np.array_equal(made.pixels, cover(np.array(drawn), 120, 70))


def test_a_known_look_is_an_edit_of_its_render_and_keeps_its_words() -> None:
    request = Request.of(LOOK, 144, 96, 3)
    expected = render(request.look(), 144, 96, 3, grain=False)
    (made,), (ask,) = outcomes(draw, [request], model="gpt-image-2")
    assert isinstance(made, Picture)
    assert ask.path == "/v1/images/edits" and request.prompt in ask.fields["prompt"]
    assert "response_format" not in ask.fields, "GPT Image models refuse this field"
    with Image.open(io.BytesIO(ask.image or b""), formats=["PNG"]) as start:
        assert np.abs(np.asarray(start) / 255.0 - expected).max() < 0.003


@pytest.mark.parametrize(
    ("edits", "strength", "path"), [(False, 0.6, "generations"), (True, 1.0, "generations")]
)
def test_no_edit_where_the_model_cannot_or_the_request_starts_from_nothing(
    edits: bool, strength: float, path: str
) -> None:
    _, (ask,) = outcomes(draw, [Request.of(LOOK, 96, 96, 3, strength=strength)], edits=edits)
    assert ask.path.endswith(path)


def test_a_mask_keeps_what_it_covers_bit_for_bit_and_lets_the_rest_change() -> None:
    init = np.asarray(Image.open(io.BytesIO(picture("init", 120, 70))))
    mask = np.zeros((70, 120), np.uint8)
    mask[:, 80:] = 255
    request = Request.of(
        {}, 120, 70, 1, prompt="a lamp", init=Reference(init), mask=Reference(mask), negative="text"
    )
    (made,), (ask,) = outcomes(draw, [request])
    assert isinstance(made, Picture)
    assert np.array_equal(made.pixels[:, :80], init[:, :80])
    assert not np.array_equal(made.pixels[:, 80:], init[:, 80:])
    (bare,), _ = outcomes(lambda _: picture_reply(picture("a lamp", 144, 96)), [replace(request, mask=None)])
    (laid,), _ = outcomes(lambda _: picture_reply(picture("a lamp", 144, 96)), [request])
    assert isinstance(bare, Picture) and isinstance(laid, Picture)
    beside = composite(init, bare.pixels / np.float32(255), mask)
    assert np.array_equal(laid.pixels, beside), "the paste of every other backend"
    assert np.array_equal(laid.pixels[:, 84:], bare.pixels[:, 84:]), (
        "what may change is the model's, unaltered"
    )
    assert ask.path.endswith("edits") and ask.fields["prompt"] == "a lamp Avoid: text."
    hole = Image.open(io.BytesIO(ask.mask or b""))
    assert hole.size == (144, 96) and hole.mode == "RGBA"
    alpha = np.asarray(hole)[..., 3]
    assert alpha[48, 10] == 255 and alpha[48, 130] == 0, "what may change is transparent"


def test_what_a_hosted_model_cannot_take_fails_by_name() -> None:
    init = Reference(np.zeros((96, 96, 3), np.uint8))
    found, asked = outcomes(
        draw,
        [
            Request.of({}, 96, 96, 1, prompt="a", style=init),
            Request.of({}, 96, 96, 1, prompt="a", adapters=(("x", 1),)),
        ],
    )
    assert "style" in failed(found[0]) and "adapters" in failed(found[1]) and not asked
    (found,), _ = outcomes(draw, [Request.of({}, 96, 96, 1, prompt="a", init=init)], edits=False)
    assert "init" in failed(found)


@given(st.integers(8, 90), st.integers(8, 90), st.integers(40, 90), st.integers(40, 90))
def test_a_picture_held_inside_another_shape_is_found_again(w: int, h: int, width: int, height: int) -> None:
    ramp = np.asarray(Image.open(io.BytesIO(picture("ramp", 6, 6))).resize((w, h), Image.Resampling.BICUBIC))
    held = inside(ramp, width, height)
    assert held.shape == (height, width, 3)
    back = cover(held, w, h)
    assert back.shape == ramp.shape
    if min(width / w, height / h) >= 1:
        assert np.abs(back.astype(float) - ramp).mean() < 12


def test_a_content_policy_refusal_is_a_value_with_the_providers_code() -> None:
    def answer(ask: Ask) -> Reply:
        if "fight" in ask.fields["prompt"]:
            return error_reply(
                400, "moderation_blocked", "Your request was rejected\nby the \x1b[31msafety system."
            )
        return draw(ask)

    (first, refused, last), asked = outcomes(answer, words("pier", "a fight", "lake"), retries=2)
    assert isinstance(first, Picture) and isinstance(last, Picture)
    assert "moderation_blocked: Your request was rejected by the" in failed(refused)
    assert "\x1b" not in refused.reason
    assert len(asked) == 3, "a refusal is not asked again"


def test_a_rate_limit_is_waited_for_as_long_as_the_server_says() -> None:
    def answer(ask: Ask) -> Reply:
        return (
            error_reply(429, "rate_limit_exceeded", "slow down", **{"Retry-After": "1"})
            if ask.number == 1
            else draw(ask)
        )

    began = time.monotonic()
    (made,), asked = outcomes(answer, words("pier"), retries=1)
    assert isinstance(made, Picture) and len(asked) == 2
    assert time.monotonic() - began >= 1.0


def test_server_errors_are_tried_again_and_then_said_once_per_picture() -> None:
    def answer(ask: Ask) -> Reply:
        return draw(ask) if "lake" in ask.fields["prompt"] else error_reply(503, "overloaded", "try later")

    (down, up), asked = outcomes(answer, words("pier", "lake"), retries=1)
    assert "overloaded: try later" in failed(down) and isinstance(up, Picture)
    assert len(asked) == 3


def test_a_server_that_is_slow_costs_its_own_picture_only() -> None:
    def answer(ask: Ask) -> Reply:
        if "slow" in ask.fields["prompt"]:
            time.sleep(1.2)
        return draw(ask)

    (quick, slow, other), _ = outcomes(answer, words("pier", "slow", "lake"), timeout_s=0.6)
    assert isinstance(quick, Picture) and isinstance(other, Picture)
    assert failed(slow) == "127.0.0.1 did not answer within 0.6 s"


def test_a_server_that_is_down_is_given_up_after_three_pictures() -> None:
    with serving() as (url, _):
        pass  # closed again: nobody listens there
    reasons = [failed(o) for o in backend(url, concurrency=1).generate(words(*map(str, range(6))))]
    assert all("cannot be reached" in r for r in reasons[:3])
    assert all(r.startswith("not tried: 127.0.0.1 was silent") for r in reasons[3:])


TINY = picture("x", 16, 16)
BLACK = png(Image.new("RGB", (96, 96)))
GARBAGE = {
    "html under the name of json": (
        Reply(200, b"<html>", {"Content-Type": "application/json"}),
        "cannot be read",
    ),
    "html": (Reply(200, b"<html>", {"Content-Type": "text/html"}), "without a picture"),
    "no data": (json_reply({"created": 1, "data": []}), "without a picture"),
    "data of a wrong type": (json_reply({"created": 1, "data": "x"}), "without a picture"),
    "a list": (json_reply([1, 2]), "without a picture"),
    "no base64": (json_reply({"data": [{"b64_json": "%%%"}]}), "no valid base64"),
    "no picture": (picture_reply(b"GIF89a nonsense"), "no PNG, JPEG or WebP"),
    "a picture cut short": (picture_reply(picture("x", 96, 96)[:200]), "damaged"),
    "an empty text": (picture_reply(b""), "without a picture"),
    "a black picture": (picture_reply(BLACK), "black: "),
    "too small": (picture_reply(TINY), "drew 16x16 where 96x96 was asked for"),
    "compressed": (
        Reply(200, b"\x1f\x8b", {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
        "compressed_answer",
    ),
    "a redirect": (Reply(302, b"", {"Location": "http://127.0.0.1:9/"}), "it redirects"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_picture_is_one_clear_line(name: str) -> None:
    reply, said = GARBAGE[name]
    (outcome,), asked = outcomes(lambda ask: reply, words("pier"))
    assert said in failed(outcome)
    assert len(asked) == 1


def test_bombs_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = png(Image.new("1", (14_000, 14_000)))
    assert len(bomb) < 100_000
    (outcome,), _ = outcomes(lambda ask: picture_reply(bomb), words("pier"))
    assert "too many pixels" in failed(outcome)
    (outcome,), _ = outcomes(lambda ask: picture_reply(png(Image.new("1", (5_000, 5_000)))), words("pier"))
    assert "5000 x 5000 pixels" in failed(outcome)
    from dco.generate.hosted import api as hosted_api

    monkeypatch.setattr(hosted_api, "MAX_ANSWER", 10_000)
    (outcome,), asked = outcomes(lambda ask: Reply(200, b"x" * 20_000, {}), words("pier"), retries=2)
    assert "answer_too_large" in failed(outcome) and len(asked) == 1


def test_another_size_than_asked_for_is_cut_to_the_wanted_one() -> None:
    (made,), _ = outcomes(lambda ask: picture_reply(picture("x", 200, 80, "JPEG")), words("pier"))
    assert isinstance(made, Picture) and made.pixels.shape == (96, 96, 3)


def test_a_refused_key_stops_everything_with_one_line_that_shows_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = "sk-verysecretverysecret"
    monkeypatch.setenv("GATEWAY_API_KEY", secret)
    keys = []

    def answer(ask: Ask) -> Reply:
        keys.append(ask.headers["authorization"])
        return error_reply(401, "invalid_api_key", f"Incorrect API key provided: {secret}. sk-very***cret")

    with serving(answer) as (url, asked), pytest.raises(BadModel) as error:
        list(backend(url, key_env="GATEWAY_API_KEY", concurrency=1).generate(words("a", "b", "c")))
    assert (
        "not accepted" in str(error.value) and "sk-" not in str(error.value) and "\n" not in str(error.value)
    )
    assert len(asked) == 1


def test_an_unknown_model_stops_everything_too() -> None:
    reply = error_reply(404, "model_not_found", "The model 'x' does not exist")
    with serving(lambda ask: reply) as (url, _), pytest.raises(BadModel, match="does not exist"):
        list(backend(url).generate(words("a", "b")))


def test_the_key_never_shows_in_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", "abcdefgh12345678")
    reply = error_reply(400, "bad", "you sent abcdefgh12345678 and Bearer zzzzzzzz")
    (outcome,), _ = outcomes(lambda ask: reply, words("a"), key_env="GATEWAY_API_KEY")
    assert "abcdefgh" not in failed(outcome) and "zzzz" not in outcome.reason


def test_the_openai_key_goes_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    _, (ask,) = outcomes(draw, words("a"))
    assert "mine" not in json.dumps(ask.headers)
    with pytest.raises(BadModel, match=r"no API key for images\.example"):
        list(backend("https://images.example/v1").generate(words("a")))
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(BadModel, match="set OPENAI_API_KEY"):
        list(backend(OPENAI).generate(words("a")))


def test_an_address_in_an_answer_is_fetched_from_the_apis_own_host_only() -> None:
    def answer(ask: Ask) -> Reply:
        if ask.path == "/files/a.png":
            return Reply(
                200 if "authorization" not in ask.headers else 400,
                picture("x", 96, 96),
                {"Content-Type": "image/png"},
            )
        where = {"own": f"http://{ask.headers['host']}/files/a.png"}
        return json_reply({"data": [{"url": where.get(ask.fields["prompt"], ask.fields["prompt"])}]})

    with serving(lambda ask: Reply(200, b"secret", {})) as (other, other_asked):
        hostile = [
            other, "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "https://evil.example/a.png",
            "ftp://127.0.0.1/x", "//evil.example/x", "gopher://127.0.0.1:70/", "not an address", "https://[",
        ]  # fmt: skip
        found, asked = outcomes(answer, words("own", *hostile), concurrency=1)
        with_host = hostile[0] + "@evil.example"
        more, _ = outcomes(answer, words(with_host))
    assert isinstance(found[0], Picture)
    assert all("not fetched" in failed(o) or "cannot be read" in failed(o) for o in [*found[1:], *more])
    assert not other_asked, "another port of this machine is another host"
    assert [a.path for a in asked].count("/files/a.png") == 1


def test_a_host_on_the_list_is_fetched_over_https_only() -> None:
    from dco.generate.hosted.api import HostedApi

    api = HostedApi(
        "http://127.0.0.1:9/v1",
        "",
        own=False,
        hosts=frozenset({"127.0.0.2", "127.0.0.2:8443"}),
        timeout=1,
        retries=0,
    )
    for address, allowed in [
        ("https://127.0.0.2/a", True), ("https://127.0.0.2:8443/a", True),
        ("http://127.0.0.2/a", False), ("https://127.0.0.2:9/a", False), ("https://127.0.0.3/a", False),
    ]:  # fmt: skip
        with pytest.raises(Exception, match="cannot be fetched" if allowed else "not fetched"):
            api._fetch(address)


def test_a_picture_is_priced_by_what_is_stated_and_nothing_is_free_by_accident() -> None:
    (made,), _ = outcomes(draw, words("a"), prices="96x96/high=100, */*=7000", currency="EUR")
    assert (made.micros, made.currency) == (7000, "EUR")
    (made,), _ = outcomes(draw, words("a"))
    assert (made.micros, made.currency) == (None, "")
    reply = picture_reply(picture("x", 96, 96), size="96x96", quality="high")
    (made,), _ = outcomes(lambda ask: reply, words("a"), prices="96x96/high=100, */*=7000")
    assert made.micros == 100, "what the server says it drew counts, not what was asked for"


def test_the_providers_list_counts_tokens_and_knows_only_its_own_models() -> None:
    usage = SimpleNamespace(
        input_tokens_details=SimpleNamespace(text_tokens=1000, image_tokens=500), output_tokens=4000
    )
    listed = Prices({}, "USD", listed=True)
    # 1000 x $5 + 500 x $8 + 4000 x $30 per million = 0.005 + 0.004 + 0.12 dollars
    assert listed.of("gpt-image-2", "1024x1024", "", usage) == 129_000
    assert listed.of("gpt-image-2.5-flare-2026-09-08", "1024x1024", "", usage) == 129_000
    assert listed.of("gpt-image-1-mini", "1536x1024", "high") == 52_000
    assert listed.of("gpt-image-2", "1024x1024", "high") is None
    assert listed.of("unheard-of", "1024x1024", "high", usage) is None
    assert Prices({}, "USD", listed=False).of("gpt-image-2", "1024x1024", "", usage) is None
    zero = SimpleNamespace(
        input_tokens_details=SimpleNamespace(text_tokens=0, image_tokens=0), output_tokens=0
    )
    assert listed.of("gpt-image-2", "1024x1024", "", zero) is None
    with pytest.raises(BadInput, match="1024x1024"):
        parse_prices("1024x1024=5")


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://images.example/v1"}, {"base_url": "https://user:pw@images.example/v1"},
        {"base_url": "http://127.0.0.1.evil.example/"}, {"base_url": "file:///x"}, {"base_url": ""},
        {"base_url": "https://x.example/?q=1"}, {"timeout_s": 0}, {"retries": -1}, {"retries": True},
        {"concurrency": 0}, {"sizes": "big"}, {"prices": "free"}, {"model": "a b"}, {"currency": "euro"},
        {"quality": "high;"}, {"key_env": "AWS_SECRET_ACCESS"},
    ],
    ids=str,
)  # fmt: skip
def test_options_that_cannot_be_meant_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"option {next(iter(options))}"):
        load_backend("openai_images", **options)


def test_a_key_put_where_its_name_belongs_is_not_repeated() -> None:
    with pytest.raises(BadInput) as error:
        load_backend("openai_images", key_env="sk-oopsoopsoops")
    assert "oops" not in str(error.value)


def test_the_id_tells_models_and_picture_options_apart_but_not_patience() -> None:
    def name(**options: Any) -> str:
        return load_backend("openai_images", **options).model_id

    same = [name(), name(timeout_s=5), name(retries=0), name(concurrency=1), name(prices="*/*=1")]
    other = [
        name(model="gpt-image-2"),
        name(quality="low"),
        name(base_url="https://x.example"),
        name(edits=False),
    ]
    assert len(set(same)) == 1 and len({same[0], *other}) == 5
    hosted = load_backend("openai_images")
    assert record_of(hosted).licence == "", "nobody has read the provider's terms yet"
    assert record_of(hosted, "LicenseRef-OpenAI-Terms").licence == "LicenseRef-OpenAI-Terms"
    licence = hosted.license
    assert licence["reproducible"] is False and "not reproducible" in licence["note"]


@given(st.integers(8, 8192), st.integers(8, 8192))
def test_sizes_for_the_newer_models_obey_their_limits(width: int, height: int) -> None:
    wide, high = any_size(width, height)
    assert wide % 16 == high % 16 == 0 and max(wide, high) <= 3840
    assert 655_360 <= wide * high <= 8_294_400
    assert max(wide, high) <= 3 * min(wide, high)
    if max(width, height) <= 3 * min(width, height) and max(width, height) <= 1920:
        assert wide >= width and high >= height, "nothing is enlarged"


def test_the_cache_makes_a_hosted_picture_reproducible_and_free(tmp_path: Path) -> None:
    def unsteady(ask: Ask) -> Reply:
        return picture_reply(picture(str(ask.number), 96, 96))

    with serving(unsteady) as (url, asked):
        cache = PictureCache(tmp_path)
        first = make(words("pier"), backend(url, prices="*/*=5"), cache)
        again = make(words("pier"), backend(url, prices="*/*=5"), cache)
    assert len(asked) == 1
    assert isinstance(first[0], Picture) and isinstance(again[0], Picture)
    assert first[0].micros == 5 and not first[0].cached and again[0].cached
    assert np.array_equal(first[0].pixels, again[0].pixels)


def test_the_client_is_imported_when_a_picture_is_made_and_not_before() -> None:
    code = (
        "import sys\nfrom dco.generate.backend import load_backend\n"
        "b = load_backend('openai_images'); b.model_id; b.license; list(b.generate([]))\n"
        "print([m for m in ('openai', 'httpx2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_transparent_picture_is_laid_on_white() -> None:
    image = Image.open(io.BytesIO(picture("x", 96, 96))).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((96, 96)))
    (made,), _ = outcomes(lambda ask: picture_reply(png(image)), words("a"))
    assert isinstance(made, Picture) and made.pixels[0].min() >= 250
