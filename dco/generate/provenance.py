"""Where a picture made elsewhere comes from: its prompt, job and tool, as its own metadata or its file name tell.

What is read here is somebody's claim. Nothing is verified: a C2PA manifest is noted when there is one, not checked.

Midjourney writes a PNG text 'Description' that ends with 'Job ID: <uuid>', and names files user_prompt_words_uuid.png.
Stable Diffusion WebUI writes 'parameters' (in JPEG and WebP the EXIF UserComment), ComfyUI its node graph as JSON under
'prompt'. The rest is IPTC's photo metadata standard 2025.1: Description in EXIF, IPTC-IIM or XMP, Digital Source Type in XMP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from PIL import ExifTags, Image, IptcImagePlugin

MAX_PROMPT = 8_000
"""Characters kept of a prompt."""
_MAX_TEXT = 20_000
"""Characters looked at of any text but a graph; a text chunk may have a million, and patterns are not made for that."""
_MAX_SAMPLERS, _MAX_NODES = 8, 2_000
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_JOB = re.compile(rf"Job ID:\s*({_UUID})$", re.IGNORECASE)
_NAME = re.compile(rf"(?:(?P<words>.+)[_ ])?(?P<job>{_UUID})(?:[_ -]\d{{1,2}})?", re.IGNORECASE)
_OTHER_NAMES = (
    ("openai", re.compile(r"DALL[·.-]?E \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d - (?P<words>.+)")),
    ("firefly", re.compile(r"(?:Adobe[_ ])?Firefly[_ ](?P<words>.+?)(?:[_ ]\d+)?")),
)
_SIGNS = (
    ("midjourney", ("midjourney",)),
    ("firefly", ("firefly",)),
    ("openai", ("openai", "dall-e", "dall·e", "chatgpt")),
    ("google", ("imagen", "made with google ai", "gemini")),
)
"""Tool, and what it signs its pictures with (Software, CreatorTool, Credit, the C2PA claim generator)."""
_NS = {
    "dc": "{http://purl.org/dc/elements/1.1/}",
    "xmp": "{http://ns.adobe.com/xap/1.0/}",
    "ext": "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}",
    "photoshop": "{http://ns.adobe.com/photoshop/1.0/}",
    "rdf": "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}",
}


@dataclass(frozen=True)
class Provenance:
    """What a picture says of itself. `tool` is 'other' where nothing tells; `read_from` names the place of the prompt."""

    tool: str = "other"
    prompt: str = ""
    job_id: str = ""
    read_from: str = ""
    digital_source_type: str = ""
    """The last part of IPTC's term, such as trainedAlgorithmicMedia."""
    c2pa: bool = False
    details: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What could not be read, in words."""


def read(image: Image.Image, data: bytes, name: str) -> Provenance:
    """Provenance of a decoded picture.

    Args:
        image: loaded; its text chunks, EXIF, XMP and IPTC records are looked at.
        data: its bytes, in which a C2PA manifest is looked for.
        name: its file name.
    """
    notes: list[str] = []
    texts = {k: str(v) for k, v in getattr(image, "text", {}).items() if k != "XML:com.adobe.xmp"}
    exif = _careful("EXIF", notes, lambda: _exif(image), {})
    xmp = _careful("XMP", notes, lambda: _xmp(image.info.get("xmp")), {})
    iptc = _careful("IPTC", notes, lambda: _iptc(image), "")
    c2pa = b"c2pa" in data and (b"jumb" in data or b"C2PA" in data)
    signed = " ".join(
        [texts.get("Software", ""), texts.get("Source", ""), exif.get("Software", ""), xmp.get("tool", ""), xmp.get("credit", "")]
    )  # fmt: skip
    tool = _tool_of(signed) or (_tool_of(data[:65536].decode("latin-1")) if c2pa else "")
    said = _prompt(texts, exif, xmp, iptc, name, notes)
    return Provenance(
        tool=said.tool if said.tool != "other" else tool or "other",
        prompt=plain(said.prompt)[:MAX_PROMPT],
        job_id=said.job_id,
        read_from=said.read_from,
        digital_source_type=plain(xmp.get("source", "").rstrip("/").rsplit("/", 1)[-1])[:80],
        c2pa=c2pa,
        details=said.details,
        notes=tuple(notes),
    )


def words_of(prompt: str) -> str:
    """A prompt without addresses, parameters ('--ar 16:9'), weights and LoRA tags: the words that say what is shown.

    >>> words_of("https://a.example/x.png quiet beach::2, (golden hour:1.3) <lora:soft:0.8> --ar 16:9 --v 7")
    'quiet beach, golden hour'
    """
    text = re.split(r"(?:^|\s)(?:--|—)[a-z]", prompt, maxsplit=1)[0]
    text = re.sub(r"<[^>]*>|https?://\S+|::-?[\d.]*|:[\d.]+(?=\))|[()\[\]{}\\]", " ", text)
    return re.sub(r"\s+(?=,)", "", " ".join(text.split())).strip(" ,")


def plain(text: str) -> str:
    """One printable line."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def _prompt(
    texts: Mapping[str, str],
    exif: Mapping[str, str],
    xmp: Mapping[str, str],
    iptc: str,
    name: str,
    notes: list[str],
) -> Provenance:
    """The first place that holds a prompt, most telling first."""
    for place, text in (
        ("PNG text 'parameters'", texts.get("parameters", "")),
        ("EXIF UserComment", exif.get("UserComment", "")),
    ):
        text = text[:_MAX_TEXT]
        if text and ("\nSteps: " in text or "\nNegative prompt:" in text or place.startswith("PNG")):
            return _webui(text, place)
    if graph := texts.get("prompt", ""):
        found = _careful("ComfyUI's graph", notes, lambda: _comfyui(graph), "")
        if found:
            return Provenance("comfyui", found, "", "PNG text 'prompt'")
    for place, text in (
        ("PNG text 'Description'", texts.get("Description", "")),
        ("XMP description", xmp.get("description", "")),
        ("EXIF ImageDescription", exif.get("ImageDescription", "")),
        ("IPTC caption", iptc),
        ("EXIF UserComment", exif.get("UserComment", "")),
        ("PNG text 'Comment'", texts.get("Comment", "")),
    ):
        if not text.strip():
            continue
        text = text.strip()
        head, tail = text[:-60], text[-60:]
        if job := _JOB.search(tail):
            said = (head + tail[: job.start()])[:_MAX_TEXT]
            return Provenance("midjourney", said, job.group(1).lower(), place)
        text = text[:_MAX_TEXT]
        return Provenance("other", text, _from_name(name).job_id, place)
    return _from_name(name)


def _webui(text: str, place: str) -> Provenance:
    """'prompt\\nNegative prompt: ...\\nSteps: 20, Sampler: Euler, Seed: 7, Model: x'."""
    head, _, tail = text.partition("\nSteps: ")
    prompt = head.split("\nNegative prompt:", 1)[0]
    said = dict(re.findall(r"(?:^|, )([A-Z][\w ]{1,30}): ([^,]{1,120})", f"Steps: {tail}")) if tail else {}
    kept = {
        k: plain(v)
        for k, v in said.items()
        if k in ("Model", "Model hash", "Seed", "Sampler", "Steps", "CFG scale")
    }
    return Provenance("stable-diffusion-webui", prompt, "", place, details=kept)


def _comfyui(text: str) -> str:
    """The text that feeds a sampler's positive input; without a sampler every text of the graph."""
    nodes: Any = json.loads(text)
    if not isinstance(nodes, dict):
        return ""
    inputs = {
        str(key): node["inputs"] for key, node in nodes.items() if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }  # fmt: skip
    positive = [i["positive"] for i in inputs.values() if isinstance(i.get("positive"), list)]
    found: list[str] = []
    for link in positive[:_MAX_SAMPLERS]:
        seen: set[str] = set()
        waiting = [str(link[0])] if link else []
        while waiting and len(seen) < _MAX_NODES:
            key = waiting.pop(0)
            if key in seen or key not in inputs:
                continue
            seen.add(key)
            found += [
                v for k, v in inputs[key].items() if k.startswith(("text", "prompt")) and isinstance(v, str)
            ]
            waiting += [str(v[0]) for v in inputs[key].values() if isinstance(v, list) and v]
    if not positive:
        found = [i["text"] for i in inputs.values() if isinstance(i.get("text"), str)]
    return ", ".join(dict.fromkeys(t.strip() for t in found if t.strip()))


def _from_name(name: str) -> Provenance:
    stem = name.rsplit(".", 1)[0]
    if match := _NAME.fullmatch(stem):
        # The first word is the user's name; parameters follow the words.
        words = re.split(r"[_ ]--", (match["words"] or "").replace("_", " "))[0].split()[1:]
        prompt = " ".join(words)
        return Provenance("midjourney", prompt, match["job"].lower(), "file name" if prompt else "")
    for tool, pattern in _OTHER_NAMES:
        if match := pattern.fullmatch(stem):
            return Provenance(tool, match["words"].replace("_", " "), "", "file name")
    return Provenance()


def _tool_of(text: str) -> str:
    lower = text.lower()
    return next((tool for tool, signs in _SIGNS if any(sign in lower for sign in signs)), "")


def _careful(what: str, notes: list[str], work: Callable[[], Any], otherwise: Any) -> Any:
    """Metadata are written by anybody: what breaks its reader costs the metadata, not the picture."""
    try:
        return work()
    except Exception as error:
        notes.append(f"its {what} cannot be read ({type(error).__name__})")
        return otherwise


def _exif(image: Image.Image) -> dict[str, str]:
    exif = image.getexif()
    found = {
        "ImageDescription": exif.get(ExifTags.Base.ImageDescription),
        "Software": exif.get(ExifTags.Base.Software),
    }
    found["UserComment"] = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    return {name: _text(value) for name, value in found.items() if value}


def _text(value: Any) -> str:
    """EXIF text, of which UserComment has eight bytes in front that name its encoding."""
    if isinstance(value, str):
        return value
    data = bytes(value)
    head, body = data[:8], data[8:]
    if head.startswith(b"UNICODE"):
        # The standard leaves the byte order open; the WebUI writes big-endian.
        order = "utf-16-be" if body[:1] == b"\0" or body[:2] == b"\xfe\xff" else "utf-16-le"
        return body.decode(order, "replace").strip("\0\ufeff")
    return (body if head.startswith((b"ASCII", b"\0\0\0\0")) else data).decode("utf-8", "replace").strip("\0")


def _xmp(packet: Any) -> dict[str, str]:
    if not packet:
        return {}
    text = packet.decode("utf-8", "replace") if isinstance(packet, bytes) else str(packet)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("XMP has no use for entities")
    root = ElementTree.fromstring(text.strip("\0 \n\ufeff"))
    names = {
        "description": "dc:description",
        "tool": "xmp:CreatorTool",
        "source": "ext:DigitalSourceType",
        "credit": "photoshop:Credit",
    }
    found: dict[str, str] = {}
    for key, name in names.items():
        prefix, local = name.split(":")
        tag = _NS[prefix] + local
        for element in root.iter():
            if element.tag == tag:
                inside = [element.get(f"{_NS['rdf']}resource") or "", *element.itertext()]
                found.setdefault(key, " ".join(" ".join(inside).split()))
            elif tag in element.attrib:
                found.setdefault(key, element.attrib[tag])
    return found


def _iptc(image: Image.Image) -> str:
    info = IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]
    caption = info.get((2, 120), b"")
    return (caption[0] if isinstance(caption, list) else caption).decode("utf-8", "replace")
