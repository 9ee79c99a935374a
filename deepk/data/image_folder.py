"""A folder of a user's own images: which files belong to it, and their pixels.

Laid out as torchvision's ImageFolder: DIR/CLASS/*.png, or DIR/train/CLASS/*.png with DIR/test/CLASS/*.png.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepk.data.errors import DataCorrupt, DataError, DataMissing

# As torchvision.datasets.ImageFolder.
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
LAYOUT = "DIR/CLASS/*.png, or DIR/train/CLASS/*.png with DIR/test/CLASS/*.png"


class Layout(NamedTuple):
    """The images of a folder, training before test, each sorted by its path relative to the folder (posix)."""

    files: list[str]
    labels: list[int]
    n_train: int | None
    classes: tuple[str, ...]


def layout(folder: Path) -> Layout:
    """The images of a folder and their classes, without decoding any.

    Raises DataMissing where there is no folder or no image, DataError where there is one class, one of train/ and test/
    alone, or a class in one of them that the other lacks.
    """
    if not folder.is_dir():
        raise DataMissing(
            f"image-folder: no folder {folder}; set data.root=DIR, laid out as {LAYOUT}, or use data=digits"
        )
    parts = [part for part in ("train", "test") if (folder / part).is_dir()] or [""]
    found = {part: _images(folder, part) for part in parts}
    classes = sorted({label for images in found.values() for label, _ in images})
    if not classes:
        raise DataMissing(f"image-folder: no images in {folder}; it must be laid out as {LAYOUT}, or use data=digits")
    if parts in (["train"], ["test"]):  # which would else become a class
        raise DataError(
            f"image-folder: {folder} has {parts[0]}/ alone of train/ and test/; give both or use {parts[0]}/"
        )
    for part, images in found.items():
        if absent := sorted(set(classes) - {label for label, _ in images}):
            raise DataError(
                f"image-folder: {folder / part} has no images of {absent[0]!r}: train/ and test/ need the same classes"
            )
    if len(classes) == 1:
        raise DataError(f"image-folder: {folder} has one class, {classes[0]!r}, and needs two; lay it out as {LAYOUT}")
    index = {label: i for i, label in enumerate(classes)}
    both = [image for images in found.values() for image in images]
    n_train = len(found["train"]) if "train" in found else None
    return Layout([file for _, file in both], [index[label] for label, _ in both], n_train, tuple(classes))


def _images(folder: Path, part: str) -> list[tuple[str, str]]:
    """Class and path of each image of `folder`, or of its subfolder `part`, by path."""
    walked = (Path(where, file) for where, _, files in os.walk(folder / part, followlinks=True) for file in files)
    paths = (path.relative_to(folder) for path in walked if path.suffix.lower() in _IMAGE_SUFFIXES)
    depth = 1 if part else 0  # of the class's name in the path; an image that lies higher belongs to no class
    seen = (path for path in paths if len(path.parts) > depth + 1 and not any(p.startswith(".") for p in path.parts))
    return [(path.parts[depth], path.as_posix()) for path in sorted(seen, key=Path.as_posix)]


def decode(folder: Path, files: list[str], image_size: int | None) -> NDArray[np.uint8]:
    """Pixels of shape (n, 3, height, width), each image resized to `image_size` x `image_size` if that is given.

    Raises DataError where images differ in size or have more than 8 bits a channel, DataCorrupt where one is damaged.
    """
    height, width = (image_size, image_size) if image_size else _rgb(folder / files[0], None).shape[:2]
    x = np.empty((len(files), 3, height, width), dtype=np.uint8)
    for row, file in enumerate(files):
        image = _rgb(folder / file, image_size)
        if image.shape != (height, width, 3):
            raise DataError(
                f"image-folder: {folder / file} has {image.shape[1]} x {image.shape[0]} pixels but {files[0]} has "
                f"{width} x {height}; set image_size=N to resize every image to N x N"
            )
        x[row] = image.transpose(2, 0, 1)
    return x


def _rgb(path: Path, image_size: int | None) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode[0] in "IF":  # Pillow would clip 16 and 32 bits at 255
                raise DataError(
                    f"image-folder: {path} has more than 8 bits per channel ({image.mode}); convert it to 8"
                )
            rgb = image.convert("RGB")
    # Pillow reports damage to a PNG's chunks as SyntaxError, other damage as OSError or ValueError.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataCorrupt(f"image-folder: cannot decode {path}: {error}; replace or delete it") from error
    return np.asarray(rgb.resize((image_size, image_size), Image.Resampling.BILINEAR) if image_size else rgb)
