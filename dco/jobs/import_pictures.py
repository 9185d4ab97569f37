"""`dco import`: pictures made elsewhere become creatives like any other, and wait for a person's approval.

A picture is cut to every backdrop the campaign's sizes need, composed with product and copy, checked, and drafted. What
it shows comes from a sidecar file or from its prompt, as far as the campaign's space knows the words. A standing rule
approves nothing here: it was given for what the engine draws.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path

from dco.compose.kit import Kit
from dco.compose.sizes import masters
from dco.errors import BadPicture, DcoError, Refused, StoreError, UnknownName
from dco.generate.cache import PictureCache
from dco.generate.cover import cover, enlargement
from dco.generate.picture import Picture, Pixels
from dco.generate.request import Request
from dco.generate.soundness import inspect
from dco.jobs import rasters
from dco.jobs.assets import kit as kit_of
from dco.jobs.clock import business_date
from dco.jobs.create import Idea, Made, NotMade, assemble, look
from dco.jobs.desk import Desk
from dco.jobs.draft import cache_of
from dco.jobs.import_doubts import Doubts
from dco.jobs.import_files import Found, Licence, commercial, licence, open_picture, pictures
from dco.jobs.import_look import Shown, genome_of, shown_by, ways
from dco.jobs.names import called
from dco.jobs.sidecar import Stated, stated
from dco.records import Campaign, Genome
from dco.store import licences
from dco.store.arms import ArmRow, arms, save_creative
from dco.store.licences import ModelLicence

MOST_ENLARGED = 1.5
"""Beyond this a picture looks soft beside one that was made for its size."""
IMPORTED = "import:"
"""Start of the model field of an imported creative; tool and licence follow, such as import:midjourney/CC0-1.0."""


@dataclass(frozen=True)
class Taken:
    """One creative of an imported picture. `notes` say what was read, measured and not understood."""

    file: str
    segment: str
    arm_id: str
    name: str
    new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """What became of a folder."""

    licence: str
    taken: tuple[Taken, ...]
    refused: tuple[str, ...]
    """A line per file that could not be used, and why."""
    ways: tuple[str, ...] = ()
    """What to write where, so that refused files can be used."""
    warnings: tuple[str, ...] = ()
    """A line per doubt about a picture that was taken: what an approver should look at twice."""

    @property
    def new(self) -> int:
        return sum(t.new for t in self.taken)


def import_pictures(
    desk: Desk,
    folder: Path,
    *,
    by: str,
    now: datetime,
    segments: Sequence[str] = (),
    license: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Import a folder; the same folder again changes nothing.

    Args:
        segments: which audiences get the pictures; default all.
        license: SPDX id or LicenseRef-... of all pictures; default the folder's LICENSE file.
        by: who brings them; kept with every creative.

    Raises:
        Refused: no licence, or nobody says who imports. BadInput: the folder or its sidecar cannot be used.
        UnknownName: no such segment. StoreError: the store cannot be written; what was saved is kept.
    """
    campaign = desk.campaign
    known = [s.key for s in campaign.segments]
    for key in segments:
        if key not in known:
            raise UnknownName("segment", key, known, where=campaign.key)
    if not by.strip():
        raise Refused("an import needs a name: say --by 'Jane Doe'")
    files, others = pictures(folder)
    terms = licence(folder, license)
    sidecar = stated(folder, campaign.space, [f.name for f in files])
    run = _Run(desk, kit_of(campaign), cache_of(desk), terms, by.strip(), now)
    refused, taken, first = list(others), [], {}  # type: ignore[var-annotated]
    missing: dict[str, list[str]] = {}
    for done, path in enumerate(files, start=1):
        try:
            found = open_picture(path)
            twin = first.setdefault(found.sha256, found.name)
            if twin != found.name:
                raise BadPicture(f"{found.name}: is the same file as {twin}")
            crops = masters_of(campaign, found)
            note = sidecar.get(path.name, Stated())
            shown = shown_by(campaign, found, note)
            if shown.missing:
                missing[found.name] = sorted(shown.missing)
                raise BadPicture(f"{found.name}: {'; '.join(shown.missing.values())}")
            made = run.take(found, crops, note, shown, list(dict.fromkeys(segments)) or known)
            taken += made[0]
            refused += made[1]
        except StoreError:
            raise
        except DcoError as error:
            refused.append(str(error))
        if progress:
            progress(done, len(files))
    lines = ways(campaign, folder, missing)
    return Imported(terms.id, tuple(taken), tuple(refused), lines, tuple(run.warnings))


class _Run:
    """What one import works with."""

    def __init__(
        self, desk: Desk, kit: Kit, cache: PictureCache, terms: Licence, by: str, now: datetime
    ) -> None:
        self.desk, self.kit, self.cache, self.terms, self.by, self.now = desk, kit, cache, terms, by, now
        with desk.workspace.read() as conn:
            rows = arms(conn, desk.campaign.key)
        self.there: dict[tuple[str, int], list[ArmRow]] = {}
        for row in rows:
            if row.creative.model.startswith(IMPORTED):
                self.there.setdefault((row.segment, row.creative.seed), []).append(row)
        self.doubts = Doubts(cache, rows)
        self.warnings: list[str] = []

    def take(
        self,
        found: Found,
        crops: Mapping[tuple[int, int], Pixels],
        note: Stated,
        shown: Shown,
        segments: Sequence[str],
    ) -> tuple[list[Taken], list[str]]:
        """The picture as a creative of every segment, and lines for those that it cannot serve."""
        campaign, seed = self.desk.campaign, seed_of(found)
        made: list[tuple[Made, str]] = []
        taken: list[Taken] = []
        refused: list[str] = []
        pictures = self._pictures(found, note, crops, shown.options)
        measured, warnings = self.doubts.of(found.name, pictures)
        for segment in segments:
            before = self.there.get((segment, seed), [])
            genome = genome_of(campaign, shown.options, [found.sha256, segment], before)
            if genome is None:
                combination = ", ".join(shown.options.values())
                refused.append(f"{found.name}, {segment}: the campaign forbids {combination}")
                continue
            same = next((row for row in before if row.creative.genome == genome), None)
            if same:
                taken.append(
                    _taken(found.name, same.creative.arm_id, segment, genome, False, (f"is {same.state}",))
                )
                continue
            result = self._compose(found, measured, Idea(segment, genome))
            if isinstance(result, NotMade):
                refused.append(f"{found.name}, {segment}: {result.reason}")
            else:
                made.append((result, segment))
        record = self._record(found, note, shown, warnings) if made else ""
        self.warnings += warnings if made else ()
        for result, segment in made:
            new = self._save(result, found.name, record)
            genome = result.creative.genome
            notes = (
                shown.notes
                if new
                else ("the same ad is there already, with the attributes it was first given",)
            )
            taken.append(_taken(found.name, result.creative.arm_id, segment, genome, new, notes))
        return taken, refused

    def _pictures(
        self,
        found: Found,
        note: Stated,
        crops: Mapping[tuple[int, int], Pixels],
        options: Mapping[str, str],
    ) -> dict[tuple[int, int], Picture]:
        """The cuts of a file as pictures; what they show is the same for every segment."""
        model, visual = model_of(found, self.terms), look(self.desk.campaign, options)
        requests = {
            size: Request(
                attributes=tuple((a, option) for a, option in visual.items() if option != "none"),
                prompt=note.prompt or found.origin.prompt,
                width=size[0],
                height=size[1],
                seed=seed_of(found),
            )
            for size in crops
        }
        return {size: Picture(r, r.key(model), crops[size], 0.0) for size, r in requests.items()}

    def _compose(
        self, found: Found, pictures: Mapping[tuple[int, int], Picture], idea: Idea
    ) -> Made | NotMade:
        campaign, model = self.desk.campaign, model_of(found, self.terms)
        requests = {size: picture.request for size, picture in pictures.items()}
        result = assemble(campaign, self.kit, idea, requests, pictures, model, 0.0)
        if isinstance(result, Made):
            for picture in pictures.values():
                self.cache.put(picture)
        return result

    def _record(self, found: Found, note: Stated, shown: Shown, warnings: Sequence[str]) -> str:
        """Keep the file as it came and everything known of it; returns the hash of the record."""
        files, origin = self.desk.workspace.files, found.origin
        suffix = "." + found.name.rsplit(".", 1)[-1].lower()
        files.put("originals", found.data, suffix)
        if self.terms.text:
            files.put("licences", self.terms.text, ".txt")
        body = {
            "file": found.name,
            "sha256": found.sha256,
            "suffix": suffix,
            "tool": origin.tool,
            "prompt": note.prompt or origin.prompt,
            "job_id": note.job_id or origin.job_id,
            "read_from": "sidecar" if note.prompt else origin.read_from,
            "digital_source_type": origin.digital_source_type,
            "c2pa_seen": origin.c2pa,
            "details": dict(origin.details),
            "attributes": shown.options,
            "not_understood": list(shown.unknown),
            "notes": list(shown.notes),
            "warnings": list(warnings),
            "licence": {"id": self.terms.id, "stated_by": self.terms.stated_by, "sha256": self.terms.sha256},
            "by": self.by,
        }
        text = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False)
        return files.put("imports", text.encode(), ".json")

    def _save(self, made: Made, file: str, record: str) -> bool:
        files, campaign = self.desk.workspace.files, self.desk.campaign
        for size, ad in made.ads.items():
            rasters.save_export(files, rasters.save(files, ad.raster), made.exports[size])
        why = f"imported from {file}; licence {self.terms.id}; record {record}"
        with self.desk.workspace.write() as conn:
            # No run and no cost: a person brought it, and what it cost elsewhere is not known.
            new = save_creative(
                conn, campaign.key, made.creative, None, False, self.now, by=self.by, reason=why
            )
            if new:
                licences.save(conn, campaign.key, self._model_licence(made.creative.model), now=self.now)
        return new

    def _model_licence(self, model: str) -> ModelLicence:
        day = business_date(self.now, self.desk.campaign.zone).isoformat()
        return ModelLicence(
            model, self.terms.id, self.terms.stated_by, self.by, day, commercial(self.terms.id)
        )


def model_of(found: Found, terms: Licence) -> str:
    """What stands in the model field: that it was imported, from the tool it says it comes from, under which licence. The
    licence is part of the name because licences are kept by model."""
    return f"{IMPORTED}{found.origin.tool}/{terms.id}"


def seed_of(found: Found) -> int:
    """A number for the place of a seed: imported pictures have none, and their creatives are told apart by it."""
    return int(found.sha256[:12], 16)


def masters_of(campaign: Campaign, found: Found) -> dict[tuple[int, int], Pixels]:
    """The picture cut to every backdrop the campaign's sizes need.

    Raises:
        BadPicture: it is too small for one of them, or a cut of it is black or flat.
    """
    high, wide = found.pixels.shape[:2]
    wanted: dict[tuple[int, int], str] = {}
    for size, master in masters(campaign.sizes()).items():
        wanted.setdefault(master, size)
    worst = max(wanted, key=lambda m: enlargement(wide, high, *m))
    if (scale := enlargement(wide, high, *worst)) > MOST_ENLARGED:
        least = [ceil(max(m[side] for m in wanted) / MOST_ENLARGED) for side in (0, 1)]
        raise BadPicture(
            f"{found.name}: {wide}x{high} pixels; the {worst[0]}x{worst[1]} backdrop of size {wanted[worst]} needs it enlarged "
            f"{scale:.2f} times (at most {MOST_ENLARGED:g}); bring it at {least[0]}x{least[1]} or more"
        )
    crops = {master: cover(found.pixels, *master) for master in wanted}
    for (w, h), crop in crops.items():
        if fault := inspect(crop, (w, h)):
            raise BadPicture(f"{found.name}: cut to {w}x{h} it is {fault}")
    return crops


def _taken(file: str, arm: str, segment: str, genome: Genome, new: bool, notes: tuple[str, ...]) -> Taken:
    return Taken(file, segment, arm, called(arm, genome.as_dict()), new, notes)
