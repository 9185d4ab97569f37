"""What pictures say of themselves, in every place where tools write it, and what hostile ones write there."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, PngImagePlugin

from dco.generate.provenance import MAX_PROMPT, Provenance, read, words_of

JOB = "a7421d2f-b262-44f9-977c-ac23e9c7d3e3"
MIDJOURNEY = f"quiet beach at golden hour, teal --ar 16:9 --v 7 Job ID: {JOB}"
SAID = "quiet beach at golden hour, teal --ar 16:9 --v 7"
WEBUI = "quiet beach, (teal palette:1.2)\nNegative prompt: people, text\nSteps: 20, Sampler: Euler a, Seed: 7, Model: realVis"
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="{tool}"
 Iptc4xmpExt:DigitalSourceType="{source}"><dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt>
</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"""


def encoded(kind: str, **how: Any) -> bytes:
    data = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(data, kind, **how)
    return data.getvalue()


def png(compressed: bool = False, **texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text, zip=compressed)
    return encoded("PNG", pnginfo=info)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def before_end(data: bytes, added: bytes) -> bytes:
    """A PNG with a chunk after its pixels."""
    return data[:-12] + added + data[-12:]


def exif(comment: bytes = b"", description: str = "") -> Image.Exif:
    made = Image.Exif()
    if description:
        made[ExifTags.Base.ImageDescription] = description
    if comment:
        made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return made


def iptc(caption: bytes) -> bytes:
    """A JPEG with an IPTC-IIM caption (record 2, data set 120) in Photoshop's application segment."""
    block = b"\x1c\x02\x78" + struct.pack(">H", len(caption)) + caption
    resource = b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(block)) + block + b"\0" * (len(block) % 2)
    body = b"Photoshop 3.0\0" + resource
    data = encoded("JPEG")
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[2:]


def of(data: bytes, name: str = "picture.png") -> Provenance:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return read(image, data, name)


MIDJOURNEY_PLACES = {
    "PNG text 'Description'": png(Description=MIDJOURNEY, Author="jane"),
    "PNG text 'Description', compressed": png(compressed=True, Description=MIDJOURNEY),
    "PNG text 'Description', after the pixels": before_end(
        encoded("PNG"), chunk(b"tEXt", b"Description\0" + MIDJOURNEY.encode())
    ),
    "EXIF ImageDescription": encoded("JPEG", exif=exif(description=MIDJOURNEY)),
    "EXIF ImageDescription of a WebP": encoded("WEBP", exif=exif(description=MIDJOURNEY)),
    "XMP description": encoded("JPEG", xmp=XMP.format(tool="", source=SOURCE, text=MIDJOURNEY).encode()),
    "XMP description of a PNG": before_end(
        encoded("PNG"),
        chunk(
            b"iTXt",
            b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.format(tool="", source=SOURCE, text=MIDJOURNEY).encode(),
        ),
    ),
    "IPTC caption": iptc(MIDJOURNEY.encode()),
}


@pytest.mark.parametrize("place", MIDJOURNEY_PLACES)
def test_midjourneys_description_is_read_wherever_it_is_written(place: str) -> None:
    found = of(MIDJOURNEY_PLACES[place])
    assert (found.tool, found.prompt, found.job_id) == ("midjourney", SAID, JOB)
    assert place.startswith(found.read_from) and found.read_from
    assert found.notes == ()


WEBUI_PLACES = {
    "PNG": png(parameters=WEBUI),
    "JPEG": encoded("JPEG", exif=exif(b"UNICODE\0" + WEBUI.encode("utf-16-be"))),
    "WebP": encoded("WEBP", exif=exif(b"UNICODE\0" + WEBUI.encode("utf-16-le"))),
    "JPEG in ASCII": encoded("JPEG", exif=exif(b"ASCII\0\0\0" + WEBUI.encode())),
}


@pytest.mark.parametrize("kind", WEBUI_PLACES)
def test_the_webuis_parameters_give_prompt_model_and_seed_and_not_what_was_to_be_avoided(kind: str) -> None:
    found = of(WEBUI_PLACES[kind])
    assert found.tool == "stable-diffusion-webui"
    assert found.prompt == "quiet beach, (teal palette:1.2)"
    assert dict(found.details) == {"Steps": "20", "Sampler": "Euler a", "Seed": "7", "Model": "realVis"}


def test_comfyuis_graph_is_followed_to_what_feeds_the_sampler() -> None:
    graph = {
        "3": {"class_type": "KSampler", "inputs": {"seed": 5, "positive": ["9", 0], "negative": ["7", 0]}},
        "9": {"class_type": "ConditioningCombine", "inputs": {"a": ["6", 0], "b": ["9", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "quiet beach", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "people", "clip": ["4", 1]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x"}},
    }
    found = of(png(prompt=json.dumps(graph), workflow="{}"))
    assert (found.tool, found.prompt) == ("comfyui", "quiet beach")


@pytest.mark.parametrize(
    ("name", "tool", "prompt", "job"),
    [
        (f"jane_quiet_beach_at_golden_hour_{JOB}.png", "midjourney", "quiet beach at golden hour", JOB),
        (f"jane_quiet_beach_--ar_169_--v_7_{JOB}_2.png", "midjourney", "quiet beach", JOB),
        (f"{JOB.upper()}.png", "midjourney", "", JOB),
        ("DALL·E 2024-05-01 10.11.12 - A quiet beach at dusk.png", "openai", "A quiet beach at dusk", ""),
        ("Firefly a quiet beach 48213.jpg", "firefly", "a quiet beach", ""),
        ("holiday.png", "other", "", ""),
    ],
)
def test_the_file_name_tells_where_nothing_else_does(name: str, tool: str, prompt: str, job: str) -> None:
    found = of(encoded("PNG"), name)
    assert (found.tool, found.prompt, found.job_id) == (tool, prompt, job)
    assert found.read_from == ("file name" if prompt else "")


def test_metadata_go_before_the_file_name_and_other_tools_are_known_by_their_signature() -> None:
    found = of(png(Description=MIDJOURNEY), f"jane_something_else_{JOB}.png")
    assert found.prompt == SAID
    signed = encoded(
        "JPEG", xmp=XMP.format(tool="Adobe Firefly 3", source=SOURCE, text="a quiet beach").encode()
    )
    found = of(signed)
    assert (found.tool, found.prompt, found.digital_source_type) == (
        "firefly", "a quiet beach", "trainedAlgorithmicMedia",
    )  # fmt: skip


def test_a_c2pa_manifest_is_noted_and_its_maker_named() -> None:
    manifest = b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa\0\x11\0\x10 claim_generator OpenAI-API"
    data = encoded("PNG")
    signed = data[:33] + chunk(b"caBX", manifest) + data[33:]
    assert (of(signed).c2pa, of(signed).tool) == (True, "openai")
    assert of(data).c2pa is False


@pytest.mark.parametrize(
    "packet",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        "<x><y></x>",
        "<" * 5_000,
    ],
)
def test_xmp_that_would_expand_or_reach_out_is_not_read_but_the_picture_is(packet: str) -> None:
    found = of(encoded("JPEG", xmp=packet.encode()), f"jane_quiet_beach_{JOB}.png")
    assert len(found.notes) == 1 and "XMP cannot be read" in found.notes[0]
    assert found.prompt == "quiet beach"


def test_long_texts_are_cut_and_cost_no_time() -> None:
    began = time.process_time()
    hostile = [
        png(Description=" " * 900_000 + "x"), png(parameters="\nSteps: " + "A: ," * 200_000), png(prompt="[" * 900_000),
        png(Description="<" * 900_000), png(Description=f"{'long ' * 100_000} Job ID: {JOB}"),
        png(prompt=json.dumps({str(i): {"inputs": {"positive": [str(i + 1), 0], "text": "a"}} for i in range(12_000)})),
    ]  # fmt: skip
    made = time.process_time()
    found = [of(data) for data in hostile]
    for one in found:
        words_of(one.prompt)
        assert len(one.prompt) <= MAX_PROMPT
    assert time.process_time() - made < 4, f"making took {made - began:.1f}"
    assert found[4].job_id == JOB


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["Description", "parameters", "prompt", "Comment", "Software"]),
    st.text(max_size=300),
    st.text(st.characters(exclude_characters="/\0", codec="utf-8"), max_size=60),
)
def test_whatever_is_written_the_prompt_is_one_printable_line(key: str, text: str, name: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(key, text)
    found = of(encoded("PNG", pnginfo=info), name)
    assert found.prompt.isprintable()
    words_of(found.prompt)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_broken_exif_costs_the_metadata_and_not_the_picture(junk: bytes) -> None:
    data = encoded("PNG")
    found = of(data[:33] + chunk(b"eXIf", junk) + data[33:])
    assert found.prompt == "" or found.prompt.isprintable()


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("quiet beach --ar 16:9 --v 7", "quiet beach"),
        ("--ar 16:9", ""),
        ("beach::2 dusk::-1", "beach dusk"),
        ("(teal tones:1.2), <lora:soft:0.8> beach", "teal tones, beach"),
        ("<https://a.example/x.png> https://b.example/y beach", "beach"),
        ("well-lit beach - calm", "well-lit beach - calm"),
    ],
)
def test_parameters_weights_and_addresses_are_no_words(prompt: str, words: str) -> None:
    assert words_of(prompt) == words
