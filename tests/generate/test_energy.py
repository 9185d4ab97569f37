"""Energy per picture: counters where there are any, else watts times seconds; never for what was made elsewhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from image_api import healthy

from dco.errors import BadInput
from dco.generate import wire
from dco.generate.backend import load_backend
from dco.generate.energy import Constant, Meter, Rapl
from dco.generate.picture import Failure, Picture
from dco.generate.request import Request

REQUEST = Request.of({"scene": "beach", "palette": "blue"}, 8, 8, seed=1)


def picture(seconds: float, *, cached: bool = False) -> Picture:
    return Picture(REQUEST, "k", np.zeros((8, 8, 3), np.uint8), seconds, cached)


def counter(folder: Path, name: str, used: int, span: int = 999_999_999) -> Path:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{used}\n")
    (folder / name / "max_energy_range_uj").write_text(f"{span}\n")
    return folder


def test_a_constant_draw_over_an_hour_is_its_watts() -> None:
    (measured,) = Meter(Constant(12.0)).measured([picture(3600.0)])
    assert isinstance(measured, Picture) and measured.watt_hours == 12.0


def test_what_was_cached_failed_or_made_elsewhere_has_no_energy() -> None:
    old, failed = picture(9.0, cached=True), Failure(REQUEST, "k", "no")
    assert list(Meter(Constant(12.0)).measured([old, failed])) == [old, failed]
    hosted = Meter.of(SimpleNamespace(hosted=True))
    assert next(hosted.measured([picture(9.0)])).watt_hours is None


def test_rapl_sums_the_packages_and_survives_a_wrap_of_their_counters(tmp_path: Path) -> None:
    counter(counter(tmp_path, "intel-rapl:0", 990, span=999), "intel-rapl:1", 0)
    counter(tmp_path, "intel-rapl:0:0", 5)  # a part of package 0, counted in it
    now = [0.0]
    gauge = Rapl(tmp_path, clock=lambda: now[0])
    counter(counter(tmp_path, "intel-rapl:0", 10, span=999), "intel-rapl:1", 39_999_980)
    now[0] = 2.0
    assert gauge.watts() == pytest.approx(20.0), "(20 + 39,999,980) microjoules in 2 s"
    assert gauge.watts() == pytest.approx(20.0), "no time has passed: nothing new is known"


def test_without_counters_the_stated_watts_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError):
        Rapl(tmp_path)
    monkeypatch.setenv("DCO_CPU_WATTS", "6")
    meter = Meter.of(SimpleNamespace(device="cpu", threads=2))
    assert next(meter.measured([picture(1800.0)])).watt_hours == 6.0
    monkeypatch.setenv("DCO_CPU_WATTS", "six")
    with pytest.raises(BadInput, match="DCO_CPU_WATTS: expected watts"):
        Meter.of(SimpleNamespace(device="cpu"))


def test_a_picture_that_a_provider_drew_is_booked_with_its_price_and_none_of_our_energy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seconds of waiting for an answer are no seconds of a busy processor."""
    monkeypatch.setenv("DCO_CPU_WATTS", "6")
    options = {"base_url": healthy(), "sizes": "128x128", "prices": "*/*=40000", "edits": False}
    asked = Request.of({}, 128, 128, 1, prompt="a lamp")

    def made(backend: str, request: Request, **options: object) -> Picture:
        model = load_backend(backend, **options).model_id
        worker = wire.PictureWorker(wire.job_options(backend, options, model))
        (answer,) = worker.run(wire.requests_batch({"k": request}))
        (outcome,) = wire.outcomes_of(answer, {request.key(model): request})
        assert isinstance(outcome, Picture), outcome
        return outcome

    elsewhere = made("openai_images", asked, **options)
    assert elsewhere.watt_hours is None and elsewhere.seconds > 0
    assert (elsewhere.micros, elsewhere.currency) == (40_000, "USD")
    here = made("procedural", REQUEST)
    assert here.watt_hours == pytest.approx(6.0 * here.seconds / 3600)
