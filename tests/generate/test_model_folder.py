"""The gate reads files only: hostile folders are written by hand here, and no library ever sees them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dco.errors import BadModel
from dco.generate.models.folder import check, embedded_folder, model_id, read_license
from dco.generate.models.safetensors_header import check_weights


def safetensors(tensors: dict[str, list[int]] | None = None, payload: bytes | None = None) -> bytes:
    """The bytes of a file of float32 zeros, written from the format's description."""
    header, at = {}, 0
    for name, shape in (tensors or {"weight": [2, 3]}).items():
        size = 4
        for n in shape:
            size *= n
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + (bytes(at) if payload is None else payload)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder the gate accepts."""
    root = tmp_path / "model"
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.42.1",
        "safety_checker": [None, None],
        "requires_safety_checker": False,
        "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["dco.generate.autoencoder", "PatchAutoencoder"],
    }
    for name in ("scheduler", "text_encoder", "tokenizer", "unet", "vae"):
        (root / name).mkdir(parents=True)
    (root / "model_index.json").write_text(json.dumps(index))
    (root / "scheduler" / "scheduler_config.json").write_text(
        '{"_class_name": "DPMSolverMultistepScheduler"}'
    )
    (root / "tokenizer" / "tokenizer.json").write_text(
        '{"auto_map": "a word of the vocabulary may be anything"}'
    )
    for name, kind in (("unet", "UNet2DConditionModel"), ("vae", "PatchAutoencoder")):
        (root / name / "config.json").write_text(json.dumps({"_class_name": kind}))
        (root / name / "diffusion_pytorch_model.safetensors").write_bytes(safetensors())
    (root / "text_encoder" / "config.json").write_text('{"architectures": ["CLIPTextModel"]}')
    (root / "text_encoder" / "model.safetensors").write_bytes(safetensors())
    (root / "README.md").write_text("# A model")
    return root


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_plain_folder_passes(folder: Path) -> None:
    found = check(folder)
    assert found.pipeline == "StableDiffusionPipeline"
    assert found.components["vae"] == ("dco.generate.autoencoder", "PatchAutoencoder")
    assert "safety_checker" not in found.components
    assert found.only_variant is None
    assert len(found.model_id) == 32


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a script": (lambda f: (f / "unet" / "model.py").write_text("import os"), r"model\.py"),
    "a script beside the index": (lambda f: (f / "pipeline.py").write_text(""), r"pipeline\.py"),
    "compiled code": (lambda f: (f / "unet" / "x.pyc").write_bytes(b""), r"x\.pyc"),
    "a library": (lambda f: (f / "unet" / "x.so").write_bytes(b"\x7fELF"), r"x\.so"),
    **{
        f"a {suffix} file": (
            lambda f, s=suffix: (f / "unet" / f"weights{s}").write_bytes(b"\x80\x02"),
            "weights" + suffix.replace(".", r"\."),
        )
        for suffix in (
            ".bin",
            ".pt",
            ".pth",
            ".ckpt",
            ".pkl",
            ".PKL",
            ".onnx",
            ".npy",
            ".h5",
            ".sh",
            ".zip",
            "",
        )
    },
    "a pickle named safetensors": (
        lambda f: (f / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(
            b"\x80\x04\x95" + b"x" * 50
        ),
        "not safetensors",
    ),
    "a torch zip named safetensors": (
        lambda f: (f / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"PK\x03\x04" + b"x" * 50),
        "not safetensors",
    ),
    "a pickle named json": (lambda f: (f / "unet" / "notes.json").write_bytes(b"\x80\x04\x95x"), "pickle"),
    "a pickle named txt": (lambda f: (f / "unet" / "notes.txt").write_bytes(b"\x80\x04\x95x"), "pickle"),
    "a zip named md": (lambda f: (f / "README.md").write_bytes(b"PK\x03\x04x"), "zip"),
    "auto_map": (
        lambda f: edit(f / "text_encoder" / "config.json", auto_map={"AutoModel": "m.M"}),
        "auto_map",
    ),
    "auto_map below": (lambda f: edit(f / "unet" / "config.json", a=[{"b": {"auto_map": 1}}]), "auto_map"),
    "remote code on": (
        lambda f: edit(f / "text_encoder" / "config.json", trust_remote_code=True),
        "trust_remote_code",
    ),
    "custom pipelines": (
        lambda f: edit(f / "model_index.json", custom_pipelines={"x": "y"}),
        "custom_pipelines",
    ),
    "a pipeline from a module": (
        lambda f: edit(f / "model_index.json", _class_name=["pipeline", "Evil"]),
        "_class_name",
    ),
    "an unknown pipeline": (
        lambda f: edit(f / "model_index.json", _class_name="OnnxStableDiffusionPipeline"),
        "_class_name",
    ),
    "a class of the standard library": (
        lambda f: edit(f / "model_index.json", unet=["subprocess", "Popen"]),
        "unet names",
    ),
    "a known name from elsewhere": (
        lambda f: edit(f / "model_index.json", unet=["evil", "UNet2DConditionModel"]),
        "unet names",
    ),
    "a component with a third word": (
        lambda f: edit(f / "model_index.json", unet=["diffusers", "UNet2DConditionModel", "x"]),
        "unet names",
    ),
    "a component that is an object": (lambda f: edit(f / "model_index.json", unet={"a": 1}), "unet names"),
    "a component that is a path": (
        lambda f: edit(f / "model_index.json", **{"../x": ["diffusers", "UNet2DConditionModel"]}),
        "plain folder name",
    ),
    "another class in the config": (
        lambda f: edit(f / "unet" / "config.json", _class_name="AutoencoderKL"),
        "expected 'UNet2DConditionModel'",
    ),
    "a class hidden in the scheduler": (
        lambda f: edit(f / "scheduler" / "scheduler_config.json", _class_name="Evil"),
        "Evil",
    ),
    "an index without components": (
        lambda f: (f / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}'),
        "no component",
    ),
    "an index that is a list": (lambda f: (f / "model_index.json").write_text("[]"), "JSON object"),
    "an index that is no JSON": (lambda f: (f / "model_index.json").write_text("{"), "not JSON"),
    "an index nested too deep": (lambda f: (f / "model_index.json").write_text("[" * 200_000), "not JSON"),
    "a missing component": (
        lambda f: edit(f / "model_index.json", tokenizer_2=["transformers", "T5Tokenizer"]),
        "missing",
    ),
    "shards elsewhere": (
        lambda f: (f / "unet" / "m.safetensors.index.json").write_text(
            '{"weight_map": {"a": "../x.safetensors"}}'
        ),
        "shard",
    ),
    "shards of pickles": (
        lambda f: (f / "unet" / "m.safetensors.index.json").write_text('{"weight_map": {"a": "x.bin"}}'),
        "shard",
    ),
    "a link out": (lambda f: (f / "unet" / "out.json").symlink_to("/etc/hostname"), "leads out"),
    "a link to a folder out": (lambda f: (f / "unet" / "out").symlink_to("/etc"), "leads out"),
    "a link to a sibling": (
        lambda f: ((f.parent / "model-2").mkdir(), (f / "unet" / "out").symlink_to(f.parent / "model-2")),
        "leads out",
    ),
    "a folder as a link": (lambda f: (f / "unet2").symlink_to(f / "unet"), "plain folders"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_folder_is_refused_with_its_file_named(folder: Path, case: str) -> None:
    spoil, words = HOSTILE[case]
    spoil(folder)
    with pytest.raises(BadModel, match=words) as caught:
        check(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_model_folder_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="no such folder"):
        check(tmp_path / "nowhere")
    with pytest.raises(BadModel, match=r"found no model_index\.json"):
        check(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(safetensors())
    with pytest.raises(BadModel, match="no such folder"):
        check(file)


def test_links_may_stay_inside_a_named_border(folder: Path) -> None:
    """A hub cache: the snapshot's files are links to blobs two folders up."""
    blob = folder.parent / "blobs" / "b"
    blob.parent.mkdir()
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(blob)
    weights.symlink_to("../../blobs/b")
    with pytest.raises(BadModel, match="leads out"):
        check(folder)
    assert check(folder, inside=folder.parent).pipeline


def test_the_id_follows_what_is_read_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    first = model_id(folder)
    (folder / "README.md").write_text("another text")
    (folder / "LICENSE.json").write_text('{"license": "MIT"}')
    (folder / "extra").mkdir()
    (folder / "extra" / "model.safetensors").write_bytes(safetensors())
    assert model_id(folder) == first
    folder.rename(tmp_path / "moved")
    moved = tmp_path / "moved"
    assert model_id(moved) == first
    for file in ("unet/config.json", "scheduler/scheduler_config.json"):
        edit(moved / file, changed=1)
        assert model_id(moved) != first
        first = model_id(moved)
    (moved / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(safetensors(payload=b"\1" * 24))
    assert model_id(moved) != first


def test_a_folder_of_one_variant_tells_it(folder: Path) -> None:
    for file in [*folder.rglob("*.safetensors")]:
        file.rename(file.with_name(file.stem + ".fp16.safetensors"))
    assert check(folder).only_variant == "fp16"
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(safetensors())
    assert check(folder).only_variant is None


def test_a_licence_record_is_read_and_a_missing_one_is_not_invented(folder: Path) -> None:
    assert read_license(folder) == {"license": "not stated"}
    (folder / "LICENSE.json").write_text('{"license": "Apache-2.0", "commercial_use": "yes"}')
    assert check(folder).license["commercial_use"] == "yes"
    for bad in ("[]", "{}", '{"license": 3}'):
        (folder / "LICENSE.json").write_text(bad)
        with pytest.raises(BadModel, match=r"LICENSE\.json"):
            read_license(folder)


def test_the_embedded_folder_can_be_named(tmp_path: Path) -> None:
    assert embedded_folder(tmp_path) == tmp_path


@given(st.data())
def test_a_truncated_or_padded_file_of_weights_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = safetensors({"a": [3], "b": [2, 2]})
    file = tmp_path_factory.mktemp("weights") / "m.safetensors"
    file.write_bytes(whole)
    check_weights(file)
    cut = data.draw(st.integers(0, len(whole) - 1))
    file.write_bytes(data.draw(st.sampled_from([whole[:cut], whole + b"x" * (cut + 1)])))
    with pytest.raises(BadModel):
        check_weights(file)


@given(st.binary(max_size=200))
def test_any_bytes_are_judged_without_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("weights") / "m.safetensors"
    for body in (content, struct.pack("<Q", len(content)) + content):
        file.write_bytes(body)
        try:
            check_weights(file)
        except BadModel:
            continue
        assert json.loads(content) == {} or "__metadata__" in json.loads(content)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]},
        {"dtype": "PICKLE", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1]},
        [],
    ],
)
def test_an_entry_that_does_not_add_up_is_refused(tmp_path: Path, entry: object) -> None:
    head = json.dumps({"a": entry}).encode()
    file = tmp_path / "m.safetensors"
    file.write_bytes(struct.pack("<Q", len(head)) + head + bytes(4))
    with pytest.raises(BadModel, match=r"entry is malformed|starts at byte"):
        check_weights(file)
