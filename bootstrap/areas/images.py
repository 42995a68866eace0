"""Build the services of images: decoding them for models, and finding boxes on them."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.areas.inference import InferenceServices
from bootstrap.foundation import Foundation
from core.grounding.batch.batch_run import GroundBatchRun
from core.grounding.batch.batches import GroundBatches
from core.grounding.corrections import BoxCorrections
from core.grounding.evaluation.evaluations import Evaluations
from core.grounding.exports.box_exports import BoxExports
from core.grounding.finder import Finder
from core.grounding.grounding import Grounding
from core.images.images import Images
from core.knowledge.files import MB
from data.images.labelled_set import FolderLabelledImages
from data.images.reader import ProcessImageReader


@dataclass(frozen=True, kw_only=True)
class ImageServices:
    grounding: Grounding
    box_corrections: BoxCorrections
    box_exports: BoxExports
    ground_batches: GroundBatches
    ground_evaluations: Evaluations


def build_images(base: Foundation, inference: InferenceServices, images: Images, reader: ProcessImageReader) -> ImageServices:
    unit_of_work, clock, privacy, disk = base.unit_of_work, base.clock, inference.privacy, base.disk
    most_total = base.settings.max_batch_mb * MB
    finder = Finder(unit_of_work, inference.gateway, images, clock)
    services = ImageServices(
        grounding=Grounding(unit_of_work, clock, images, finder, disk),
        box_corrections=BoxCorrections(unit_of_work, clock),
        box_exports=BoxExports(unit_of_work, clock, reader, privacy),
        ground_batches=GroundBatches(
            unit_of_work, base.jobs, clock, privacy, most_bytes=images.max_bytes, most_total=most_total, disk=disk
        ),
        ground_evaluations=Evaluations(unit_of_work, base.jobs, clock, finder, FolderLabelledImages()),
    )
    base.run_jobs_of(services.grounding, services.ground_evaluations, GroundBatchRun(unit_of_work, images, finder, clock))
    return services
