"""The gate in front of ControlNet, IP-Adapter and LoRA reads files only; hostile ones are written by hand."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from dco.errors import BadInput, BadModel
from dco.generate.models.folder import ModelFolder
from dco.generate.models.parts import find_parts

LORA = "unet.down_blocks.0.to_k.lora_A.weight"
PROJECTION, LAYER = "image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight"


def tensors(*names: str) -> bytes:
    """A safetensors file of one float32 zero per name, written from the format's description."""
    header = {
        n: {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]} for i, n in enumerate(names)
    }
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + bytes(4 * len(names))


def checkpoint(root: Path, pipeline: str = "StableDiffusionPipeline") -> ModelFolder:
    (root / "unet").mkdir(parents=True)
    (root / "unet" / "config.json").write_text('{"cross_attention_dim": 768, "in_channels": 4}')
    return ModelFolder(root, pipeline, {"unet": ("diffusers", "UNet2DConditionModel")}, ())


def controlnet(root: Path, **config: object) -> Path:
    root.mkdir(parents=True)
    stated = {"_class_name": "ControlNetModel", "cross_attention_dim": 768, **config}
    (root / "config.json").write_text(json.dumps(stated))
    (root / "diffusion_pytorch_model.safetensors").write_bytes(tensors("conv_in.weight"))
    return root


def ip_adapter(root: Path) -> Path:
    (root / "image_encoder").mkdir(parents=True)
    (root / "image_encoder" / "config.json").write_text(
        '{"architectures": ["CLIPVisionModelWithProjection"]}'
    )
    (root / "image_encoder" / "model.safetensors").write_bytes(tensors("a"))
    (root / "ip-adapter_sd15.safetensors").write_bytes(tensors(PROJECTION, LAYER))
    return root


def lora(root: Path, name: str = "pytorch_lora_weights.safetensors") -> Path:
    root.mkdir(parents=True)
    (root / name).write_bytes(tensors(LORA))
    return root


def test_pieces_are_found_in_the_folder_itself_or_named(tmp_path: Path) -> None:
    bare = find_parts(checkpoint(tmp_path / "bare"))
    assert (bare.controlnet, bare.ip_adapter, bare.adapters, bare.id) == (None, None, {}, "")
    own = checkpoint(tmp_path / "own")
    controlnet(own.path / "controlnet")
    ip_adapter(own.path / "ip_adapter")
    found = find_parts(own)
    named = find_parts(
        checkpoint(tmp_path / "named"),
        controlnet=str(controlnet(tmp_path / "c")),
        ip_adapter=str(ip_adapter(tmp_path / "i")),
    )
    assert found.controlnet and found.ip_adapter and found.image_encoder
    assert found.id == named.id != ""


def test_every_content_and_weight_is_in_the_id(tmp_path: Path) -> None:
    model, one = checkpoint(tmp_path / "m"), lora(tmp_path / "one")
    ids = [find_parts(model, adapters=f"brand={one}").id]
    ids.append(find_parts(model, adapters=f"house={one}").id)
    ids.append(find_parts(model, adapters=f"brand={one}*0.5").id)
    (one / "pytorch_lora_weights.safetensors").write_bytes(tensors(LORA + "2"))
    ids.append(find_parts(model, adapters=f"brand={one}").id)
    ids.append(find_parts(model, controlnet=str(controlnet(tmp_path / "c"))).id)
    assert len(set(ids)) == len(ids)
    (one / "LICENSE.json").write_text('{"license": "CC0-1.0"}')
    parts = find_parts(model, adapters={"brand": str(one)})
    assert parts.id == ids[3] and parts.licenses == {"brand": {"license": "CC0-1.0"}}


def test_adapters_are_read_from_one_line(tmp_path: Path) -> None:
    one, two = lora(tmp_path / "one"), lora(tmp_path / "two", "b.safetensors")
    parts = find_parts(
        checkpoint(tmp_path / "m"), adapters=f" brand = {one} , look={two / 'b.safetensors'}*0.8"
    )
    assert list(parts.adapters) == ["brand", "look"]
    assert parts.worn == (("look", 0.8),)


@pytest.mark.parametrize(
    "text", ["brand", "brand=", "=x", "a b=x", "1=x", "brand=x*", "brand=x*high", "../x=y"]
)
def test_a_line_of_adapters_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="backend option adapters"):
        find_parts(checkpoint(tmp_path / "m"), adapters=text)


def test_an_adapter_named_twice_is_refused(tmp_path: Path) -> None:
    one = lora(tmp_path / "one")
    with pytest.raises(BadInput, match="each name once"):
        find_parts(checkpoint(tmp_path / "m"), adapters=f"a={one},a={one}")


ADAPTERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda f: (f / "pytorch_lora_weights.safetensors").unlink(), "expected one .safetensors file, found none"),
    "two": (lambda f: (f / "second.safetensors").write_bytes(tensors(LORA)), "name a folder with one"),
    "a pickle beside it": (lambda f: (f / "adapter_model.bin").write_bytes(b"\x80\x04"), r"adapter_model\.bin"),
    "a script beside it": (lambda f: (f / "train.py").write_text(""), r"train\.py"),
    "a pickle under its name": (
        lambda f: (f / "pytorch_lora_weights.safetensors").write_bytes(b"\x80\x04\x95" + b"x" * 60), "not safetensors"),
    "a link out": (lambda f: (f / "out.json").symlink_to("/etc/hostname"), "leads out"),
    "code named in its config": (lambda f: (f / "adapter_config.json").write_text('{"auto_map": {}}'), "auto_map"),
    "no LoRA": (lambda f: (f / "pytorch_lora_weights.safetensors").write_bytes(tensors("unet.x")), "no tensor is named lora"),
}  # fmt: skip


@pytest.mark.parametrize("case", ADAPTERS)
def test_a_hostile_or_broken_adapter_is_refused_with_its_file_named(case: str, tmp_path: Path) -> None:
    spoil, words = ADAPTERS[case]
    spoil(lora(tmp_path / "one"))
    with pytest.raises(BadModel, match=words) as caught:
        find_parts(checkpoint(tmp_path / "m"), adapters=f"brand={tmp_path / 'one'}")
    assert str(tmp_path / "one") in str(caught.value) and "\n" not in str(caught.value)


def test_an_adapter_that_is_no_safetensors_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.ckpt").write_bytes(b"\x80\x04")
    for path in (tmp_path / "x.ckpt", tmp_path / "nowhere"):
        with pytest.raises(BadModel, match="no such adapter"):
            find_parts(checkpoint(tmp_path / f"for {path.name}"), adapters=f"brand={path}")


NETWORKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda f: (f / "diffusion_pytorch_model.safetensors").unlink(), r"found no \.safetensors"),
    "no config": (lambda f: (f / "config.json").unlink(), r"no config\.json"),
    "another class": (lambda f: (f / "config.json").write_text('{"_class_name": "Evil"}'), "expected 'ControlNetModel'"),
    "a config that is a list": (lambda f: (f / "config.json").write_text("[]"), "expected 'ControlNetModel'"),
    "another width": (
        lambda f: (f / "config.json").write_text('{"_class_name": "ControlNetModel", "cross_attention_dim": 2048}'),
        "cross_attention_dim is 2048; expected 768"),
    "a pickle": (lambda f: (f / "weights.pth").write_bytes(b"\x80"), r"weights\.pth"),
}  # fmt: skip


@pytest.mark.parametrize("case", NETWORKS)
def test_a_hostile_or_unfit_controlnet_is_refused_with_its_file_named(case: str, tmp_path: Path) -> None:
    spoil, words = NETWORKS[case]
    spoil(controlnet(tmp_path / "c"))
    with pytest.raises(BadModel, match=words) as caught:
        find_parts(checkpoint(tmp_path / "m"), controlnet=str(tmp_path / "c"))
    assert str(tmp_path / "c") in str(caught.value)


STYLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no encoder": (lambda f: (f / "image_encoder" / "config.json").unlink(), "has no image_encoder"),
    "another encoder": (
        lambda f: (f / "image_encoder" / "config.json").write_text('{"architectures": ["Evil"]}'),
        "CLIPVisionModelWithProjection"),
    "no projection": (lambda f: (f / "ip-adapter_sd15.safetensors").write_bytes(tensors(LAYER)), "image_proj"),
    "no layers": (lambda f: (f / "ip-adapter_sd15.safetensors").write_bytes(tensors(PROJECTION)), "ip_adapter"),
    "the published pickle beside it": (lambda f: (f / "ip-adapter_sd15.bin").write_bytes(b"PK"), r"sd15\.bin"),
}  # fmt: skip


@pytest.mark.parametrize("case", STYLES)
def test_a_hostile_or_unfit_ip_adapter_is_refused_with_its_file_named(case: str, tmp_path: Path) -> None:
    spoil, words = STYLES[case]
    spoil(ip_adapter(tmp_path / "i"))
    with pytest.raises(BadModel, match=words) as caught:
        find_parts(checkpoint(tmp_path / "m"), ip_adapter=str(tmp_path / "i"))
    assert str(tmp_path / "i") in str(caught.value)


def test_what_an_architecture_does_not_take_is_said(tmp_path: Path) -> None:
    pixart = checkpoint(tmp_path / "p", "PixArtSigmaPipeline")
    with pytest.raises(BadModel, match="PixArt sigma checkpoints take no ControlNet"):
        find_parts(pixart, controlnet=str(controlnet(tmp_path / "c")))
    flux = checkpoint(tmp_path / "f", "FluxPipeline")
    with pytest.raises(BadModel, match="FLUX takes no IP-Adapter here; Stable Diffusion and"):
        find_parts(flux, ip_adapter=str(ip_adapter(tmp_path / "i")))
    with pytest.raises(BadModel, match="expected 'FluxControlNetModel' for FLUX"):
        find_parts(flux, controlnet=str(tmp_path / "c"))
    with pytest.raises(BadModel, match="no such folder"):
        find_parts(flux, controlnet=str(tmp_path / "nowhere"))
