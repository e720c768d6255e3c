"""The stages of near-duplicates: bands a part, candidate pairs a bucket of bands, then clusters, once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow.parquet as pq

from explorer.duplicates import near
from explorer.duplicates.minhash import bands_of
from explorer.duplicates.tasks import Job, Progress, number_bounds
from explorer.workspace import write_json

if TYPE_CHECKING:
    from explorer.duplicates.stages import Stages

BANDS_PER_BUCKET = 8_000_000


def find_near(stages: Stages, not_first: Mapping[str, Path], threshold: float) -> tuple[Path, dict[str, Any]]:
    """The file of clusters (the first bytes of a text's hash, the cluster's key), and a report of how it was made.

    `not_first` lists by part the documents that are copies of a text: each text takes part once.
    """
    signed = _signed(stages)
    bands = [stages.file("bands", part.key) for part in stages.parts]
    stages.run(
        ([target], (_write_bands, (*files, not_first[part.key], target, threshold)))
        for part, files, target in zip(stages.parts, signed, bands, strict=True)
    )
    n_buckets = max(1, -(-sum(pq.read_metadata(path).num_rows for path in bands) // BANDS_PER_BUCKET))
    pairs = [stages.file("pairs", bucket) for bucket in range(n_buckets)]
    stages.run(
        ([_report(target)], (_write_pairs, (stages.job, bands, number_bounds(bucket, n_buckets), target)))
        for bucket, target in enumerate(pairs)
    )
    clusters = stages.file("clusters", "all")
    stages.run([([_report(clusters)], (_write_clusters, (stages.job, pairs, signed, clusters, threshold)))])
    n_bands, n_rows = bands_of(threshold)
    reports = [_read(_report(path)) for path in pairs]
    totals = {name: sum(report[name] for report in reports) for name in reports[0] if name != "n_pairs"}
    made = {"threshold": threshold, "n_bands": n_bands, "n_band_rows": n_rows}
    return clusters, {**made, **totals, **_read(_report(clusters))}


def _signed(stages: Stages) -> list[tuple[Path, Path]]:
    """The signatures and the documents of each part."""
    workspace = stages.workspace
    return [(workspace.signatures(part.key), workspace.documents(part.key)) for part in stages.parts]


def _report(target: Path) -> Path:
    """The report of a task: it is written last, and says that its target is there."""
    return target.with_suffix(".json")


def _read(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(report.read_bytes())
    return found


def _write_bands(
    signatures: Path, documents: Path, not_first: Path, target: Path, threshold: float, progress: Progress
) -> None:
    near.write_bands(signatures, documents, not_first, target, threshold)
    progress(1.0)


def _write_pairs(job: Job, bands: Sequence[Path], bounds: tuple[int, int], target: Path, progress: Progress) -> None:
    report = near.write_pairs(bands, *bounds, target, job.memory)
    write_json(_report(target), report.to_json())
    progress(1.0)


def _write_clusters(
    job: Job,
    pairs: Sequence[Path],
    parts: Sequence[tuple[Path, Path]],
    target: Path,
    threshold: float,
    progress: Progress,
) -> None:
    report = near.write_clusters(pairs, parts, target, threshold, job.memory, progress)
    write_json(_report(target), report.to_json())
