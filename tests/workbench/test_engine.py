"""The page accepts what the request classes accept, and states the same about everything else."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from codegen.test_agreement import combined_schemas, schemas
from hypothesis import HealthCheck, given, settings, strategies as st
from oxen_models import catalog
from oxen_models.catalog import ModelInfo

from .conftest import Workbench
from .forms import Count, compare_model, compare_random_form

MODELS = [model for model in catalog.models(typed=True) if model.module]
# A list of media; a number or a text; a number or one of its defaults; an enum of floats; objects.
SAMPLE = (
    "qwen-image-edit-plus",
    "bytedance-seedance-2-5-image-to-video",
    "flux-video-edit",
    "topazlabs-iris-mq-video",
    "ideogram-v4-5",
)


def test_page_has_each_typed_model(workbench: Workbench) -> None:
    """The page has the models with a typed call, and no others."""
    assert sorted(workbench.models) == sorted(model.id for model in MODELS)


@pytest.mark.parametrize("model_id", SAMPLE)
def test_form_agrees_with_its_class(workbench: Workbench, model_id: str) -> None:
    """Some forms of different shapes."""
    count = compare_model(workbench, catalog.get(model_id), Random(model_id), 10, 8)
    assert 0 < count.accepted < count.values


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_form_agrees_with_its_class(workbench: Workbench, model: ModelInfo) -> None:
    """All forms; `python tests/workbench/compare_forms.py` compares more values."""
    count = compare_model(workbench, model, Random(model.id), 10, 8)
    assert 0 < count.accepted < count.values


@pytest.mark.slow
def test_random_form_agrees_with_its_class() -> None:
    """Random schemas over the constructs that the bindings validate."""
    workbench = Workbench()
    total = Count()

    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(schema=schemas | combined_schemas, seed=st.integers(0, 2**32))
    def compare(schema: dict[str, Any], seed: int) -> None:
        nonlocal total
        total += compare_random_form(workbench, schema, Random(seed), 20)

    compare()
    assert 0 < total.accepted < total.values
