"""The labelled set that comes with the portal."""

from __future__ import annotations

from PIL import Image, ImageChops

from core.grounding.evaluation.records import ImageKind
from data.images.labelled_set import FolderLabelledImages
from samples.image_files import shown


def test_labels_name_boxes_on_their_images() -> None:
    labelled = FolderLabelledImages().load()
    kinds = [image.kind for image in labelled.images]
    assert kinds.count(ImageKind.SHAPE) == kinds.count(ImageKind.TEXT) == 12
    for image in labelled.images:
        picture = shown(image.content).convert("RGB")
        assert picture.size == (image.width, image.height)
        assert 1 <= len(image.phrases) <= 20 and any(not boxes for boxes in image.phrases.values()), "something is not there"
        for box in {box for boxes in image.phrases.values() for box in boxes}:
            assert 0 <= box.left < box.right <= picture.width and 0 <= box.top < box.bottom <= picture.height
            inside = picture.crop((int(box.left), int(box.top), int(box.right), int(box.bottom)))
            assert len(inside.getcolors(100_000)) > 1 or image.kind is ImageKind.SHAPE, f"{image.name}: nothing is drawn in {box.edges}"


def test_shapes_fill_their_boxes_to_the_edges() -> None:
    for image in FolderLabelledImages().load().images:
        if image.kind is not ImageKind.SHAPE:
            continue
        picture = shown(image.content).convert("RGB")
        drawn = ImageChops.difference(picture, Image.new("RGB", picture.size, picture.getpixel((0, 0))))
        for box in {box for boxes in image.phrases.values() for box in boxes}:
            left, top, right, bottom = (int(edge) for edge in box.edges)
            around = drawn.crop((left - 3, top - 3, right + 3, bottom + 3)).getbbox()
            assert around == (3, 3, right - left + 3, bottom - top + 3), f"{image.name}: {box.edges}"
