"""The embedded path: looked at, watched, short of memory, in any company; and by another route, the library's own loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_pipelines import tiny_flux, tiny_stable_diffusion

from dco.errors import BadInput, BadModel, StoreError
from dco.generate import glimpses, threads
from dco.generate.backend import Glimpse, load_backend
from dco.generate.diffusion import pipeline
from dco.generate.diffusion.schedule import Even
from dco.generate.diffusion.small import SmallDiffusion
from dco.generate.glimpses import shown_to
from dco.generate.models.folder import check
from dco.generate.picture import Picture
from dco.generate.request import Request
from dco.jobs.preview import latest


def request(seed: int, width: int = 64, height: int = 64, **fields: Any) -> Request:
    return Request.of({"scene": "beach", "palette": "blue"}, width, height, seed, steps=8, **fields)


def backend(**options: Any) -> Any:
    return load_backend("embedded", folder=tiny_stable_diffusion(), **{"batch": 3, **options})


def pixels(outcomes: Any) -> list[bytes]:
    found = list(outcomes)
    assert all(isinstance(o, Picture) for o in found), found
    return [o.pixels.tobytes() for o in found]


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_our_loop_is_the_librarys_loop(guidance: float) -> None:
    """The oracle is the stock image-to-image pipeline; four channels at its door are taken for latents."""
    folder = check(tiny_stable_diffusion())
    ours = SmallDiffusion(folder)
    stock = pipeline.image_to_image(pipeline.load(folder, device="cpu", dtype=torch.float32))
    copies = np.random.default_rng(1).random((2, 64, 64, 3), np.float32)
    drawn, plain = ours.diffuse(["calm", "blue"], copies, [3, 4], Even(8, 0.6, guidance))
    with torch.inference_mode(), pipeline.quiet():
        pictures = torch.from_numpy(copies).permute(0, 3, 1, 2)
        latents = pipeline.latents_of(stock.vae, pictures * 2 - 1)
        expected = stock(
            ["calm", "blue"], image=latents * stock.vae.config.scaling_factor, strength=0.6, num_inference_steps=8, guidance_scale=guidance,
            generator=pipeline.seeds([3, 4]), output_type="np", return_dict=False,
        )[0]  # fmt: skip
        again = stock.vae.decode(latents).sample
    np.testing.assert_allclose(drawn, expected, atol=2e-4)
    np.testing.assert_allclose(plain, (again / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy(), atol=2e-4)


def test_our_loop_from_noise_is_the_librarys_too() -> None:
    folder = check(tiny_stable_diffusion())
    stock = pipeline.load(folder, device="cpu", dtype=torch.float32)
    drawn = SmallDiffusion(folder).draw(["calm"], [5], size=(96, 64), steps=6, guidance=2.0)
    with torch.inference_mode(), pipeline.quiet():
        expected = stock(
            "calm", width=96, height=64, num_inference_steps=6, guidance_scale=2.0,
            generator=pipeline.seeds([5]), output_type="np", return_dict=False,
        )[0]  # fmt: skip
    np.testing.assert_allclose(drawn, expected, atol=2e-4)


def test_looking_changes_no_byte_and_sees_every_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glimpses.Watcher.__init__, "__defaults__", (0.0,))
    wanted, seen = [request(1), request(2, 96, 40), request(3), request(4)], list[Glimpse]()
    made = backend()
    unseen = pixels(made.generate(wanted))
    assert pixels(made.generate(wanted, preview=seen.append)) == unseen
    assert {g.key for g in seen} == {r.key(made.model_id) for r in wanted}
    assert all(1 <= g.step <= g.steps == 4 and max(g.pixels.shape) == glimpses.SIDE for g in seen)
    oblong = next(g for g in seen if g.key == wanted[1].key(made.model_id))
    assert oblong.pixels.shape == (80, 192, 3)
    last = {g.key: g.pixels.astype(int) for g in seen}
    assert len({p.tobytes() for p in last.values()}) == len(wanted)


def test_looks_keep_their_distance_in_time() -> None:
    seen = list[Glimpse]()
    pixels(backend().generate([request(n) for n in range(4)], preview=seen.append))
    assert len(seen) == 3  # one batch of three at the first look; the next is not due for a second


def test_what_a_preview_raises_stops_the_making() -> None:
    def full(glimpse: Glimpse) -> None:
        raise StoreError("disk full")

    with pytest.raises(StoreError, match="disk full"):
        list(backend().generate([request(1)], preview=full))


def test_whoever_watches_the_process_sees_what_others_ask_for(tmp_path: Path) -> None:
    steps = list[tuple[int, int]]()
    with shown_to(latest(tmp_path / "look", lambda done, total: steps.append((done, total)))):
        pixels(backend().generate([request(1)]))
        pixels(load_backend("procedural").generate([request(2)]))
    assert steps[0] == (2, 4) and steps[-1] == (1, 1)
    with Image.open(tmp_path / "look" / "latest.png") as image:
        assert image.size == (192, 192)
    assert [f.name for f in (tmp_path / "look").iterdir()] == ["latest.png"]
    pixels(backend().generate([request(3)]))
    assert steps[-1] == (1, 1)


def test_a_preview_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        latest(tmp_path / "file")


def test_memory_that_runs_out_halves_the_batch_keeps_the_pictures_and_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, wanted = backend(batch=4), [request(n) for n in range(6)]
    expected = pixels(made.generate(wanted))
    real = made._model.diffuse

    def diffuse(prompts: list[str], *rest: Any, **named: Any) -> Any:
        if len(prompts) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return real(prompts, *rest, **named)

    monkeypatch.setattr(made._model, "diffuse", diffuse)
    short = [np.frombuffer(p, np.uint8).astype(int) for p in pixels(made.generate(wanted))]
    for one, other in zip(short, expected, strict=True):
        assert np.abs(one - np.frombuffer(other, np.uint8)).max() <= 1
    (bucket,) = made.statistics
    assert (bucket.halved, bucket.batch, bucket.pictures) == (1, 2, 12)
    assert "memory ran out 1 times" in str(bucket)


def test_buckets_say_how_full_calls_were() -> None:
    made = backend(batch=3)
    pixels(made.generate([request(1), request(2), request(3), request(4), request(5, 96, 40)]))
    square, wide = sorted(made.statistics, key=lambda b: -b.pictures)
    assert (square.pictures, square.calls, square.padding) == (4, 2, 2)
    assert (wide.pictures, wide.calls, wide.padding) == (1, 1, 2)
    assert square.seconds > 0 and "67 % full" in str(square)


def test_stopping_half_way_leaves_no_painter_behind() -> None:
    import threading

    making = backend(batch=1).generate([request(n) for n in range(5)])
    next(making)
    making.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("painter")]


def test_another_kind_of_model_is_refused() -> None:
    with pytest.raises(BadModel, match="no small Stable Diffusion"):
        list(load_backend("embedded", folder=tiny_flux()).generate([request(1)]))


def test_threads_are_chosen_by_measurement_only_when_asked() -> None:
    found = threads.measure(2)
    assert set(found) == {1, 2} and all(seconds > 0 for seconds in found.values())
    assert threads.settle() == 1
    assert threads.settle("auto") == 1  # what was settled stays
    for wrong in ("many", True, 1.5):
        with pytest.raises(BadInput, match="expected a number or 'auto'"):
            threads.settle(wrong)  # type: ignore[arg-type]
