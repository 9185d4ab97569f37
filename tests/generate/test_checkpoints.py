"""Every architecture as a real tiny checkpoint, drawn through the backend in every form it has."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_pipelines import (
    add_controlnet,
    add_ip_adapter,
    add_lora,
    scratch,
    tiny_flux,
    tiny_inpaint,
    tiny_lcm,
    tiny_sd3,
    tiny_sdxl,
    tiny_stable_diffusion,
    tiny_turbo,
)

from dco.errors import BadModel
from dco.generate.backend import Glimpse, load_backend
from dco.generate.glimpses import Watcher
from dco.generate.picture import Failure, Outcome, Picture
from dco.generate.reference import Reference
from dco.generate.request import Request

LOOK = {"scene": "beach", "palette": "blue"}
RNG = np.random.default_rng(5)
PHOTO, OTHER = (Reference(RNG.integers(0, 256, (64, 64, 3), np.uint8)) for _ in range(2))
STYLE, STYLE_2 = (Reference(RNG.integers(0, 256, (40, 70, 3), np.uint8)) for _ in range(2))
MASK = Reference(np.where(np.arange(64) < 40, 255, 0).astype(np.uint8)[None].repeat(64, 0))

FORMS: dict[str, dict[str, Any]] = {
    "from noise": {"strength": 1.0},
    "from the render": {"strength": 0.5},
    "from a picture": {"strength": 0.5, "init": PHOTO},
    "around what is kept": {"strength": 0.5, "init": PHOTO, "mask": MASK},
    "around what is kept, from noise": {"strength": 1.0, "init": PHOTO, "mask": MASK},
}
CONTROLLED: dict[str, dict[str, Any]] = {
    "structure, from noise": {"strength": 1.0, "control": PHOTO},
    "structure, from the render": {"strength": 0.5, "control": PHOTO},
    "structure, around what is kept": {"strength": 0.5, "control": PHOTO, "init": PHOTO, "mask": MASK},
}
STYLED = {"style": {"strength": 0.5, "style": STYLE}, "another style": {"strength": 0.5, "style": STYLE_2}}


@dataclass(frozen=True)
class Kind:
    """A tiny checkpoint, its usual steps and guidance, and what can be laid over it."""

    make: Callable[[], Path]
    steps: int
    guidance: float
    control: Callable[[], Path] | None = None
    style: bool = False
    forms: tuple[str, ...] = (*FORMS, *CONTROLLED)


KINDS = {
    "SD": Kind(tiny_stable_diffusion, 30, 7.0, tiny_stable_diffusion, True),
    "SD inpainting, 9 channels": Kind(tiny_inpaint, 30, 7.0, tiny_stable_diffusion, True),
    "LCM": Kind(tiny_lcm, 6, 8.0, tiny_stable_diffusion, True),
    "SDXL": Kind(tiny_sdxl, 30, 6.0, tiny_sdxl, True),
    "SDXL Turbo": Kind(tiny_turbo, 4, 0.0, tiny_turbo, True),
    "SD 3.5": Kind(tiny_sd3, 28, 4.5, tiny_sd3, forms=(*FORMS, "structure, from noise")),
    "FLUX schnell": Kind(tiny_flux, 4, 0.0, tiny_flux),
    "FLUX dev": Kind(lambda: tiny_flux(True), 28, 3.5, lambda: tiny_flux(True)),
}


@cache
def opened(name: str) -> Any:
    """The checkpoint with everything laid over it that it takes."""
    kind, room = KINDS[name], scratch()
    options: dict[str, Any] = {"adapters": {"brand": str(add_lora(kind.make(), room / "lora"))}}
    if kind.control:
        options["controlnet"] = add_controlnet(kind.control(), room / "controlnet")
    if kind.style:
        options["ip_adapter"] = add_ip_adapter(kind.make(), room / "ip_adapter")
    return load_backend(kind.make(), size="request", batch=2, **options)


def request(**fields: Any) -> Request:
    fields = {"prompt": "calm", "steps": 2, "guidance": 1.0, **fields}
    return Request.of(LOOK, 64, 64, fields.pop("seed", 1), **fields)


def drawn(backend: Any, **fields: Any) -> np.ndarray:
    (outcome,) = backend.generate([request(**fields)])
    return pixels(outcome)


def pixels(outcome: Outcome) -> np.ndarray:
    assert isinstance(outcome, Picture), outcome
    return outcome.pixels


@pytest.mark.parametrize("name", KINDS)
def test_the_folder_alone_gives_the_right_steps_and_guidance(name: str) -> None:
    usual = load_backend(KINDS[name].make()).defaults
    assert (usual.steps, usual.guidance) == (KINDS[name].steps, KINDS[name].guidance)


@pytest.mark.parametrize("name", KINDS)
def test_every_form_draws_a_picture_of_its_own(name: str) -> None:
    kind, everything = KINDS[name], {**FORMS, **CONTROLLED}
    wanted = {form: everything[form] for form in kind.forms} | (STYLED if kind.style else {})
    wanted["adapter"] = {"strength": 0.5, "adapters": (("brand", 1.0),)}
    wanted["less of it"] = {"strength": 0.5, "adapters": (("brand", 0.5),)}
    outcomes = list(opened(name).generate([request(**fields) for fields in wanted.values()]))
    assert len({pixels(o).tobytes() for o in outcomes}) == len(wanted)
    for fields, outcome in zip(wanted.values(), outcomes, strict=True):
        if "mask" in fields:
            assert (pixels(outcome)[:, 40:] == PHOTO.pixels[:, 40:]).all()
            assert (pixels(outcome)[:, :38] != PHOTO.pixels[:, :38]).mean() > 0.5


@pytest.mark.parametrize("name", KINDS)
def test_its_own_settings_draw_from_noise_and_from_the_render(name: str) -> None:
    """Few-step models too keep at least one step of their schedule, and a negative prompt harms nobody."""
    backend = opened(name)
    usual = backend.defaults
    fields = {"steps": min(usual.steps, 6), "guidance": usual.guidance, "negative": "text"}
    noise, render = (drawn(backend, strength=s, **fields) for s in (1.0, usual.strength))
    assert (noise != render).any()


@pytest.mark.parametrize("name", ["SDXL Turbo", "LCM", "FLUX schnell"])
@pytest.mark.parametrize("strength", [0.25, 0.3, 0.5, 0.99])
def test_a_few_step_model_runs_a_step_at_any_strength_a_request_allows(name: str, strength: float) -> None:
    seen: list[int] = []
    list(opened(name).generate([request(strength=strength, steps=4)], preview=lambda g: seen.append(g.steps)))
    assert seen and 1 <= seen[0] <= 4


@pytest.mark.parametrize("name", ["SD", "SDXL", "SD 3.5"])
def test_what_is_open_but_not_asked_for_changes_no_bit(name: str) -> None:
    plain = load_backend(KINDS[name].make(), size="request", batch=2)
    for fields in ({"strength": 1.0}, {"strength": 0.5, "guidance": 3.0}):
        list(opened(name).generate([request(adapters=(("brand", 1.0),), seed=9)]))
        assert (drawn(opened(name), **fields) == drawn(plain, **fields)).all()
    assert opened(name).model_id != plain.model_id


@pytest.mark.parametrize("name", ["SD", "SDXL"])
def test_the_same_request_gives_the_same_bytes_beside_other_styles_and_adapters(name: str) -> None:
    wanted = [
        request(strength=0.5, style=STYLE),
        request(strength=0.5, style=STYLE_2, seed=2),
        request(strength=0.5, style=STYLE, seed=3, guidance=3.0, negative="text"),
        request(strength=0.5, style=STYLE_2, seed=3, guidance=3.0, negative="people"),
        request(strength=0.5, adapters=(("brand", 0.7),)),
        request(strength=0.5, control=PHOTO),
        request(strength=0.5, control=OTHER, seed=4),
    ]
    together = [pixels(o) for o in opened(name).generate(wanted)]
    alone = [pixels(next(opened(name).generate([one]))) for one in reversed(wanted)]
    assert all((a == b).all() for a, b in zip(together, reversed(alone), strict=True))


def test_a_negative_prompt_counts_with_guidance_only() -> None:
    backend = opened("SD")
    with_it, without = (drawn(backend, strength=0.5, guidance=3.0, negative=n) for n in ("text", ""))
    assert (with_it != without).any()
    with_it, without = (drawn(backend, strength=0.5, guidance=1.0, negative=n) for n in ("text", ""))
    assert (with_it == without).all()


def test_a_negative_prompt_too_long_is_a_failure_and_never_cut() -> None:
    long = request(strength=0.5, guidance=3.0, negative="a " * 90)
    failed, fine = opened("SD").generate([long, replace(long, guidance=1.0)])
    assert isinstance(failed, Failure)
    assert failed.reason.startswith("negative prompt of 92 tokens, of which the text encoder reads 77")
    assert isinstance(fine, Picture)


def test_a_prompt_beyond_what_schnell_was_trained_on_is_a_failure() -> None:
    too_long, fits = (request(prompt="a " * n, strength=1.0) for n in (200, 100))
    failed, fine = opened("FLUX schnell").generate([too_long, fits])
    assert isinstance(failed, Failure) and "reads 256; shorten it" in failed.reason
    assert isinstance(fine, Picture)
    assert isinstance(next(opened("FLUX dev").generate([too_long])), Picture)


def test_a_mask_at_another_size_than_the_model_draws_keeps_every_pixel_it_must() -> None:
    rng = np.random.default_rng(2)
    init = Reference(rng.integers(0, 256, (97, 150, 3), np.uint8))
    mask = np.full((97, 150), 255, np.uint8)
    mask[20:71, 33:90] = 0
    wanted = Request.of(
        LOOK, 150, 97, 3, prompt="calm", steps=2, strength=1.0, init=init, mask=Reference(mask)
    )
    for name in ("SD", "SD inpainting, 9 channels"):
        out = pixels(next(load_backend(KINDS[name].make()).generate([wanted])))
        assert (out[mask == 0] == init.pixels[mask == 0]).all()
        assert (out[mask == 255] != init.pixels[mask == 255]).mean() > 0.5


def test_the_edges_of_the_render_are_followed_where_the_backend_is_told_to(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_stable_diffusion(), tmp_path / "m")
    add_controlnet(tiny_stable_diffusion(), folder / "controlnet")
    options = {"size": "request", "batch": 1}
    follows, free = load_backend(folder, control="edges", **options), load_backend(folder, **options)
    assert follows.model_id != free.model_id
    assert (drawn(follows, strength=1.0) != drawn(free, strength=1.0)).any()
    unknown = Request.of({"mood": "calm"}, 64, 64, 1, prompt="calm", steps=2, strength=1.0)
    assert (pixels(next(follows.generate([unknown]))) == pixels(next(free.generate([unknown])))).all()
    with pytest.raises(BadModel, match="the option control needs a ControlNet"):
        load_backend(tiny_stable_diffusion(), control="edges")


def test_what_the_checkpoint_does_not_bring_is_said_and_the_others_are_made() -> None:
    plain = load_backend(tiny_stable_diffusion(), size="request")
    wanted = [
        request(control=PHOTO),
        request(),
        request(style=STYLE),
        request(adapters=(("brand", 1.0),)),
    ]
    outcomes = list(plain.generate(wanted))
    assert [isinstance(o, Failure) for o in outcomes] == [True, False, True, True]
    reasons = [o.reason for o in outcomes if isinstance(o, Failure)]
    assert "needs a ControlNet; put one in the folder's controlnet/" in reasons[0]
    assert "needs an IP-Adapter; put one in the folder's ip_adapter/" in reasons[1]
    assert "'brand' is not open (opened with the backend: none)" in reasons[2]
    (outcome,) = opened("SD 3.5").generate([request(control=PHOTO, strength=0.5)])
    assert isinstance(outcome, Failure)
    assert "draw no 'control image'; they can: text, image, inpaint, control text" in outcome.reason


def test_an_adapter_with_a_weight_is_worn_by_whoever_names_none(tmp_path: Path) -> None:
    file = add_lora(tiny_stable_diffusion(), tmp_path / "lora")
    worn = load_backend(tiny_stable_diffusion(), size="request", batch=2, adapters=f"brand={file}*0.5")
    assert (drawn(worn) == drawn(opened("SD"), adapters=(("brand", 0.5),))).all()
    assert (drawn(worn, adapters=(("brand", 1.0),)) == drawn(opened("SD"), adapters=(("brand", 1.0),))).all()


def test_an_adapter_of_another_architecture_is_one_line(tmp_path: Path) -> None:
    for other in (tiny_flux(), tiny_sdxl()):
        file = add_lora(other, tmp_path / other.name)
        backend = load_backend(tiny_stable_diffusion(), adapters={"brand": str(file)})
        with pytest.raises(BadModel, match=r"safetensors: (none of its tensors|does not fit)") as caught:
            list(backend.generate([request()]))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["SD", "SDXL Turbo", "SD 3.5", "FLUX dev"])
def test_the_denoising_can_be_watched_and_is_not_changed_by_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dco.generate.backends.diffusers.Watcher", partial(Watcher, pause=0.0))
    seen: list[Glimpse] = []
    wanted = [request(seed=seed, steps=9, strength=1.0) for seed in (1, 2, 3)]
    watched = [pixels(o) for o in opened(name).generate(wanted, preview=seen.append)]
    assert all((a == pixels(b)).all() for a, b in zip(watched, opened(name).generate(wanted), strict=True))
    for one in wanted:
        found = [g for g in seen if g.key == one.key(opened(name).model_id)]
        assert [g.step for g in found] == [2, 4, 6, 8, 9]
        assert all(g.steps == 9 and g.pixels.shape == (192, 192, 3) for g in found)
        assert len({g.pixels.tobytes() for g in found}) > 1
    assert len(seen) == 15


def test_what_a_preview_raises_stops_the_making() -> None:
    class Enough(Exception):
        pass

    def stop(glimpse: Glimpse) -> None:
        raise Enough("seen enough")

    with pytest.raises(Enough, match="seen enough"):
        list(opened("SD").generate([request(), request(seed=2)], preview=stop))
    assert isinstance(next(opened("SD").generate([request()])), Picture)


def test_the_linear_preview_shows_the_colours_of_a_picture() -> None:
    """On the trained autoencoder that comes with the engine; a random one keeps nothing to be seen."""
    import torch

    from dco.generate.diffusion import pipeline
    from dco.generate.diffusion.latent_preview import LatentPreview
    from dco.generate.models.folder import check, embedded_folder
    from dco.generate.paint.render import render
    from dco.generate.vocabulary import Look

    pipe = pipeline.load(check(embedded_folder()), device="cpu", dtype=torch.float32)
    picture = render(Look("beach", "teal"), 256, 128, 11, grain=False)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None] * 2 - 1
    with torch.inference_mode():
        latents = pipeline.latents_of(pipe.vae, tensor) * pipe.vae.config.scaling_factor
    preview = LatentPreview(pipe)
    shown = preview(latents, (256, 128))
    assert shown.shape == (1, 16, 32, 3)
    small = picture.reshape(16, 8, 32, 8, 3).mean((1, 3)) * 255
    blind = np.abs(small - small.mean((0, 1))).mean()
    assert np.abs(shown[0] * 255 - small).mean() < 0.5 * blind
    assert preview.knows(latents) and not preview.knows(latents[None])


def test_a_lightning_folder_is_drawn_on_trailing_timesteps(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_sdxl(), tmp_path / "sdxl-lightning-4step")
    backend = load_backend(folder, size="request")
    assert backend.defaults.steps == 4 and backend.defaults.guidance == 0
    assert backend._model._text.scheduler.config.timestep_spacing == "trailing"
    assert (drawn(backend, strength=1.0) != drawn(opened("SDXL"), strength=1.0)).any()


def test_a_denoiser_of_a_number_of_channels_nobody_knows_is_refused(tmp_path: Path) -> None:
    from diffusers import UNet2DConditionModel

    from dco.generate.diffusion.pipeline import quiet

    folder = shutil.copytree(tiny_stable_diffusion(), tmp_path / "m")
    with quiet():
        config = json.loads((folder / "unet" / "config.json").read_text())
        UNet2DConditionModel.from_config({**config, "in_channels": 8}).save_pretrained(folder / "unet")
    with pytest.raises(BadModel, match="takes 8 channels; expected 4, or 9"):
        list(load_backend(folder).generate([request()]))
