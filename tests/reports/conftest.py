"""The drawn campaign and its rendered page, made once: the tests below only look at them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from dco.reports.campaign import CampaignReport, render


def _sample() -> ModuleType:
    spec = importlib.util.spec_from_file_location("report_sample", Path(__file__).with_name("sample.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sample_report() -> CampaignReport:
    return _sample().report()


@pytest.fixture(scope="session")
def sample_page(sample_report: CampaignReport) -> str:
    return render(sample_report)
