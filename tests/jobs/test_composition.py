"""What a campaign file states of pictures, adapters and what to avoid is what a real checkpoint draws with, or a line's error."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_pipelines import (
    add_controlnet,
    add_ip_adapter,
    add_lora,
    scratch,
    tiny_flux,
    tiny_reader,
    tiny_sd3,
    tiny_turbo,
)

from dco.errors import BadCampaign
from dco.generate.backend import load_backend
from dco.generate.cache import PictureCache
from dco.generate.paint.render import render
from dco.generate.picture import Picture
from dco.generate.request import Request
from dco.generate.soundness import to_uint8
from dco.generate.vocabulary import Look
from dco.generate.wire import warm
from dco.jobs import draft
from dco.jobs.assets import decode_picture, kit
from dco.jobs.check_campaign import check_campaign
from dco.jobs.create import VARIED, Batch, Idea, create, requests_for
from dco.jobs.desk import open_desk
from dco.jobs.pictures import backend_of
from dco.records import Campaign, Genome
from dco.settings import load_campaign
from dco.store.arms import arms
from tests.journeys.campaigns import small

WIDE, HIGH = 600, 504
"""The one backdrop of the small campaign's two sizes."""


@pytest.fixture(autouse=True, scope="module")
def no_warm_models() -> Iterator[None]:
    yield
    warm.cache_clear()


def campaign_file(folder: Path, *lines: str, backend: str = "diffusers") -> Path:
    """A small campaign whose model's part are these lines."""
    file = small(folder)
    head = file.read_text(encoding="utf-8").split("\nmodel:\n")[0]
    model = [f"backend: {backend}", "steps: 2", *lines]
    file.write_text("\n".join([head, "model:", *("  " + one for one in model), ""]), encoding="utf-8")
    return file


def folder_line(checkpoint: Path) -> str:
    return f"folder: {checkpoint}"


@cache
def _painted(width: int, height: int) -> np.ndarray:
    return to_uint8(render(Look(scene="studio podium", palette="teal"), width, height, 7))


def photo(width: int = WIDE + 100, height: int = HIGH) -> np.ndarray:
    """What a brand's photographer might bring, 50 pixels too wide on both sides."""
    return _painted(width, height).copy()


def save(campaign: Path, name: str, pixels: np.ndarray) -> Path:
    path = campaign.parent / "brand" / name
    Image.fromarray(pixels).save(path)
    return path


def mask(width: int = WIDE + 100, height: int = HIGH) -> np.ndarray:
    """White, which is repainted, on the right; a grey on each side of the border of what counts as white."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[:, 420:] = 255
    pixels[:, 400:410], pixels[:, 410:420] = 127, 128
    return pixels


def asked(file: Path) -> dict[tuple[int, int], Request]:
    campaign = load_campaign(file)
    return requests_for(campaign, idea(file))


def idea(file: Path) -> Idea:
    campaign = load_campaign(file)
    options = {name: values[0] for name, values in campaign.space.attributes.items()}
    return Idea(campaign.segments[0].key, Genome.of(options))


def drawn(file: Path) -> np.ndarray:
    """The pixels that the file's own backend draws for its first idea."""
    (picture,) = backend_of(load_campaign(file)).generate(list(asked(file).values()))
    assert isinstance(picture, Picture), picture
    return picture.pixels


def test_what_the_mask_keeps_of_a_brand_photo_is_in_the_creative_s_backdrop_to_the_bit(
    tmp_path: Path,
) -> None:
    file = campaign_file(
        tmp_path / "c", folder_line(tiny_reader()), "strength: 0.5",
        "picture: {init: brand/room.png, mask: brand/mask.png}",
    )  # fmt: skip
    save(file, "room.png", photo())
    narrow = np.zeros((HIGH, WIDE + 100), np.uint8)
    narrow[440:, 600:] = 255
    save(file, "mask.png", narrow)
    campaign, cache = load_campaign(file), PictureCache(tmp_path / "cache")
    batch = create(campaign, kit(campaign), cache, [idea(file)])
    assert not batch.not_made and len(batch.made) == 1
    (key,) = batch.made[0].creative.requests
    kept = cache.get(key)
    assert kept is not None and kept.pixels.shape == (HIGH, WIDE, 3)
    cut, wet = photo()[:, 50:-50], narrow[:, 50:-50] > 0
    assert np.array_equal(kept.pixels[~wet], cut[~wet])
    # At the rim the new picture fades in; further inside there is nothing of the photo left.
    assert (kept.pixels[450:, 560:] != cut[450:, 560:]).any(axis=2).mean() > 0.9


def test_greys_of_a_mask_are_taken_as_the_nearer_of_black_and_white(tmp_path: Path) -> None:
    file = campaign_file(
        tmp_path / "c",
        folder_line(tiny_reader()),
        "picture: {init: brand/r.png, mask: brand/m.png}",
    )
    save(file, "r.png", photo())
    save(file, "m.png", mask())
    (request,) = asked(file).values()
    assert request.init is not None and request.mask is not None
    assert np.array_equal(request.init.pixels, photo()[:, 50:-50])
    assert np.array_equal(request.mask.pixels, np.where(np.arange(WIDE) >= 360, 255, 0)[None].repeat(HIGH, 0))


def test_a_picture_s_content_and_not_its_file_is_in_the_identity(tmp_path: Path) -> None:
    file = campaign_file(tmp_path / "c", folder_line(tiny_reader()), "picture: {init: brand/room.png}")

    def key() -> str:
        (request,) = asked(file).values()
        return request.key("model")

    path = save(file, "room.png", photo())
    first = key()
    save(file, "other.png", photo())
    path.unlink()
    (file.parent / "brand" / "other.png").rename(path)
    assert key() == first
    changed = photo()
    changed[0, 60] ^= 1
    save(file, "room.png", changed)
    assert key() != first


def test_an_adapter_s_file_and_weight_change_the_picture_as_they_do_without_a_campaign(
    tmp_path: Path,
) -> None:
    model = tiny_reader()
    pictures = {}
    for name, lines in {
        "none": [],
        "worn": ["adapters: {brand_look: {file: brand/look, weight: 0.8}}"],
        "half": ["adapters: {brand_look: {file: brand/look, weight: 0.4}}"],
    }.items():
        file = campaign_file(tmp_path / name, folder_line(model), *lines)
        add_lora(model, file.parent / "brand" / "look")
        pictures[name] = drawn(file)
    assert len({p.tobytes() for p in pictures.values()}) == 3
    by_hand = load_backend(
        "diffusers", folder=model, adapters={"house": str(tmp_path / "worn" / "brand" / "look")}
    )
    (request,) = asked(tmp_path / "none" / "campaign.yaml").values()
    fields = {name: getattr(request, name) for name in Request.__slots__}
    (same,) = by_hand.generate([Request(**{**fields, "adapters": (("house", 0.8),)})])
    assert isinstance(same, Picture) and np.array_equal(same.pixels, pictures["worn"])


def test_style_and_control_pictures_are_drawn_after(tmp_path: Path) -> None:
    model, parts = tiny_reader(), scratch()
    net, adapter = add_controlnet(model, parts / "net"), add_ip_adapter(model, parts / "ip")
    options = f"options: {{controlnet: {net}, ip_adapter: {adapter}}}"
    seen = []
    for number, lines in enumerate(
        [[], ["picture: {style: brand/big.png}"], ["picture: {control: brand/lines.png}"]]
    ):
        file = campaign_file(tmp_path / str(number), folder_line(model), options, *lines)
        save(file, "big.png", photo(200, 100).repeat(10, 0).repeat(10, 1))
        save(file, "lines.png", mask(WIDE, HIGH))
        seen.append(drawn(file).tobytes())
        (request,) = asked(file).values()
        assert request.style is None or request.style.size == (1024, 512)
        assert request.control is None or request.control.size == (WIDE, HIGH)
    assert len(set(seen)) == 3


def test_what_to_avoid_is_said_before_what_is_always_avoided(tmp_path: Path) -> None:
    file = campaign_file(tmp_path / "c", folder_line(tiny_reader()), "negative: plastic look.")
    (request,) = asked(file).values()
    assert request.negative.startswith("plastic look, text, letters")
    hosted = campaign_file(tmp_path / "h", "negative: plastic look", backend="openai_images")
    (request,) = asked(hosted).values()
    assert request.negative == "plastic look"


def refused(file: Path, key: str, says: str, line: str) -> None:
    with pytest.raises(BadCampaign) as caught:
        check_campaign(file)
    error = caught.value
    assert (error.key, error.source) == (key, str(file)) and says in error.problem
    lines = file.read_text(encoding="utf-8").splitlines()
    assert error.line is not None and lines[error.line - 1].strip().startswith(line)


@pytest.mark.parametrize(
    ("role", "name", "says"),
    [
        ("init", "none.png", "no file 'brand/none.png' in"),
        ("init", "secret.png", "'brand/secret.png' is a link out of the campaign's folder; copy"),
        ("init", "circle.png", "no file 'brand/circle.png' in"),
        ("init", "folder.png", "cannot be read"),
        ("init", "text.png", "the file is something else"),
        ("init", "torn.png", "a damaged picture"),
        ("init", "small.png", "'brand/small.png' has 200x180 pixels; a backdrop of 600x504 needs it enlarged 3.0 times "
         "(at most 2); bring it at 300x252 or more"),
        ("control", "small.png", "bring it at 300x252 or more"),
        ("style", "tiny.png", "has 63x200 pixels; expected at least 64 a side"),
        ("mask", "small.png", "has 200x180 pixels, the init picture 700x504; a mask lies on its init"),
        ("mask", "white.png", "is white all over"),
        ("mask", "black.png", "is black all over"),
        ("mask", "edge.png", "none is left when it is cut to 600x504"),
    ],
)  # fmt: skip
def test_a_picture_that_cannot_be_used_is_refused_by_its_line(
    role: str, name: str, says: str, tmp_path: Path
) -> None:
    pictures = {"init": "brand/room.png", role: f"brand/{name}"}
    file = campaign_file(
        tmp_path / "c",
        folder_line(tiny_reader()),
        "picture:",
        *(f"  {r}: {f}" for r, f in pictures.items()),
    )
    brand = file.parent / "brand"
    whole = save(file, "room.png", photo())
    save(file, "small.png", photo(200, 180))
    save(file, "tiny.png", photo(63, 200))
    for shade, value in (("white", 255), ("black", 0)):
        save(file, f"{shade}.png", np.full((HIGH, WIDE + 100), value, np.uint8))
    edge = np.zeros((HIGH, WIDE + 100), np.uint8)
    edge[:, :50] = 255
    save(file, "edge.png", edge)
    shutil.copy(whole, tmp_path / "secret.png")
    (brand / "secret.png").symlink_to(tmp_path / "secret.png")
    (brand / "circle.png").symlink_to("circle.png")
    (brand / "folder.png").mkdir()
    (brand / "text.png").write_text("<svg/>")
    (brand / "torn.png").write_bytes(whole.read_bytes()[:2000])
    refused(file, f"model.picture.{role}", says, f"{role}: brand/{name}")


def test_the_product_photo_and_the_logo_may_not_leave_the_folder_either(tmp_path: Path) -> None:
    file = small(tmp_path / "c")
    logo = file.parent / "brand" / "logo.png"
    logo.rename(tmp_path / "logo.png")
    logo.symlink_to(tmp_path / "logo.png")
    refused(file, "brand.logo", "is a link out of the campaign's folder", "logo:")
    (file.parent / "brand" / "product.png").unlink()
    refused(file, "product.photo", "no file 'brand/product.png'", "photo:")


INIT = "picture: {init: brand/room.png}"


@pytest.mark.parametrize(
    ("backend", "lines", "key", "says"),
    [
        ("embedded", [INIT], "picture.init", "backend 'embedded': this backend draws from the look alone"),
        ("procedural", ["negative: clutter"], "negative", "draws from the look alone; take a diffusers checkpoint"),
        ("embedded", ["adapters: {look: {file: brand/room.png}}"], "adapters", "draws from the look alone"),
        ("openai_images", ["picture: {style: brand/room.png}"], "picture.style", "a hosted model takes none"),
        ("openai_images", ["picture: {control: brand/room.png}"], "picture.control", "a hosted model takes none"),
        ("openai_images", [INIT, "options: {edits: false}"], "picture.init", "cannot start from a picture"),
        (tiny_reader, ["picture: {style: brand/room.png}"], "picture.style", "needs an IP-Adapter"),
        (tiny_reader, ["picture: {control: brand/room.png}"], "picture.control", "needs a ControlNet"),
        (tiny_reader, ["adapters: {look: 0.8}"], "adapters", "'look' is not open (open: none)"),
        (tiny_reader, ["adapters: {look: {file: brand/look}}"], "adapters.look.file", "no file 'brand/look'"),
        (tiny_reader, ["negative: " + "a, " * 40], "negative", "say it in fewer words"),
        (tiny_turbo, ["negative: clutter"], "negative", "plays no part with"),
        (lambda: tiny_flux(True), ["negative: clutter"], "negative", "plays no part with FLUX dev at guidance 3.5"),
    ],
)  # fmt: skip
def test_what_a_backend_cannot_do_is_refused_by_its_key(
    backend: object, lines: list[str], key: str, says: str, tmp_path: Path
) -> None:
    if callable(backend):
        file = campaign_file(tmp_path / "c", folder_line(backend()), *lines)
    else:
        file = campaign_file(tmp_path / "c", *lines, backend=str(backend))
    save(file, "room.png", photo())
    refused(file, f"model.{key}", says, key.split(".")[0])


def test_a_control_picture_beside_an_init_needs_a_checkpoint_that_draws_both(tmp_path: Path) -> None:
    model = tiny_sd3()
    net = add_controlnet(model, scratch() / "net")
    lines = [folder_line(model), f"options: {{controlnet: {net}}}"]
    both = campaign_file(tmp_path / "b", *lines, "picture: {init: brand/r.png, control: brand/r.png}")
    alone = campaign_file(tmp_path / "a", *lines, "strength: 1", "picture: {control: brand/r.png}")
    for file in (both, alone):
        save(file, "r.png", photo())
    refused(
        both, "model.picture.control", "Stable Diffusion 3 checkpoints draw no 'control image'", "picture"
    )
    assert check_campaign(alone).drawn_from == ("control brand/r.png",)


def test_a_picture_that_is_gone_at_night_stops_its_ideas_and_not_the_night(tmp_path: Path) -> None:
    file = campaign_file(tmp_path / "c", folder_line(tiny_reader()), INIT)
    save(file, "room.png", photo()).unlink()
    campaign = load_campaign(file)
    batch = create(campaign, kit(campaign), PictureCache(tmp_path / "cache"), [idea(file)])
    (missed,) = batch.not_made
    assert not batch.made and "model.picture.init: no file 'brand/room.png'" in missed.reason


def test_a_camera_s_picture_that_lies_on_its_side_is_set_upright() -> None:
    upright = photo(120, 80)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to show it
    data = io.BytesIO()
    Image.fromarray(np.rot90(upright)).save(data, "PNG", exif=exif)
    assert np.array_equal(decode_picture(data.getvalue(), "x")[..., :3], upright)


def test_a_take_that_varies_is_drawn_from_the_picture_before_it(tmp_path: Path) -> None:
    file = campaign_file(tmp_path / "c", folder_line(tiny_reader()), "strength: 0.2", "takes: vary")
    campaign, cache, first = load_campaign(file), PictureCache(tmp_path / "cache"), idea(file)
    ((size, request),) = requests_for(campaign, first, cache=cache).items()
    (drawn,) = load_backend("procedural").generate([replace(request, prompt="a podium", seed=3)])
    assert isinstance(drawn, Picture)
    cache.put(drawn)
    again = replace(first, take=1)
    varied = replace(again, varies=(drawn.key,))
    after = requests_for(campaign, varied, cache=cache)[size]
    assert after.init is not None and np.array_equal(after.init.pixels, drawn.pixels)
    assert after.seed != request.seed and after.strength == 0.2 < VARIED
    anew, near = (
        next(iter(backend_of(campaign).generate(list(requests_for(campaign, one, cache=cache).values()))))
        for one in (again, varied)
    )
    assert isinstance(anew, Picture) and isinstance(near, Picture)
    assert not np.array_equal(anew.pixels, near.pixels)
    cache.path(drawn.key).unlink()
    assert requests_for(campaign, varied, cache=cache)[size].init is None, (
        "a picture that is gone stops no night"
    )


def test_further_takes_vary_the_last_creative_of_their_idea(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small(tmp_path / "c")
    with open_desk(file) as desk:
        draft.start(desk, now=datetime(2026, 8, 31, tzinfo=UTC), per_segment=2)
    campaign_file(tmp_path / "d", folder_line(tiny_reader()), "takes: vary").replace(file)
    asked_for: list[Idea] = []

    def create(
        _campaign: Campaign, _kit: object, _cache: object, ideas: list[Idea], *_: object, **__: object
    ) -> Batch:
        asked_for.extend(ideas)
        return Batch()

    monkeypatch.setattr(draft, "create", create)
    with open_desk(file) as desk:
        with desk.workspace.read() as conn:
            there = arms(conn, desk.campaign.key)[0]
        first = Idea(there.segment, there.creative.genome)
        draft.make(desk, [first, replace(first, take=1)])
    assert [one.varies for one in asked_for] == [(), there.creative.requests]
    assert there.creative.requests


def test_new_ideas_lean_towards_the_words_of_the_winner_they_descend_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small(tmp_path / "c")
    with open_desk(file) as desk:
        draft.start(desk, now=datetime(2026, 8, 31, tzinfo=UTC), per_segment=2)
    campaign_file(tmp_path / "d", folder_line(tiny_reader()), "lean: 0.3").replace(file)
    asked_for: list[Idea] = []

    def create(
        _campaign: Campaign, _kit: object, _cache: object, ideas: list[Idea], *_: object, **__: object
    ) -> Batch:
        asked_for.extend(ideas)
        return Batch()

    monkeypatch.setattr(draft, "create", create)
    with open_desk(file) as desk:
        with desk.workspace.read() as conn:
            parent = arms(conn, desk.campaign.key)[0]
        child = replace(
            idea(file), segment=parent.segment, parents=("dco" + "0" * 16, parent.creative.arm_id)
        )
        draft.make(desk, [child, replace(child, parents=())])
        campaign = desk.campaign
    assert [one.toward for one in asked_for] == [parent.creative.prompt, ""]
    (leant,) = requests_for(campaign, asked_for[0]).values()
    (plain,) = requests_for(campaign, asked_for[1]).values()
    assert (leant.toward, leant.lean) == (parent.creative.prompt, 0.3) and not plain.toward and not plain.lean
    (twin,) = requests_for(campaign, replace(child, toward=plain.prompt)).values()
    assert twin == plain, "words that are the same have nowhere to lean"


@pytest.mark.parametrize(
    ("lines", "backend", "told"),
    [
        (("takes: vary",), "procedural", "model.takes: backend 'procedural': this backend draws from the look alone"),
        (("takes: vary", "picture: {init: brand/room.png}"), "diffusers", "'vary' starts from an idea's own last picture"),
        (("lean: 0.3",), "procedural", "model.lean: backend 'procedural': this backend draws from the look alone"),
        (("lean: 1.5",), "diffusers", "lean: expected"),
        (("takes: often",), "diffusers", "expected one of new, vary"),
    ],
)  # fmt: skip
def test_takes_that_cannot_be_varied_are_an_error_of_that_line(
    tmp_path: Path, lines: tuple[str, ...], backend: str, told: str
) -> None:
    more = () if backend == "procedural" else (folder_line(tiny_reader()),)
    file = campaign_file(tmp_path / "c", *more, *lines, backend=backend)
    save(file, "room.png", photo())
    with pytest.raises(BadCampaign, match=re.escape(told)):
        asked(file)
