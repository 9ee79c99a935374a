"""Data sets, whole in memory: scikit-learn's digits, MNIST, Fashion-MNIST, CIFAR-10, and any folder of images.

Files lie where torchvision keeps them, below `data_root`. Every set is verified before it is read, and is known by one
sha256: that of its manifest, the lines that `sha256sum FILE...` prints in the folder of the files, sorted by file name.
Only `fetch` uses the network, and only `load` and `fetch` import torch.
"""

from __future__ import annotations

import difflib
import hashlib
import http.client
import os
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import platformdirs

from deepk.data import files, image_folder
from deepk.data.errors import DataCorrupt, DataError, DataMissing
from deepk.data.image_folder import LAYOUT

if TYPE_CHECKING:
    from jaxtyping import Float32, Int64
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = [
    "DATASETS",
    "DataCorrupt",
    "DataError",
    "DataMissing",
    "Dataset",
    "Status",
    "check",
    "data_root",
    "fetch",
    "load",
    "status",
]

DATASETS = ("digits", "mnist", "fashion-mnist", "cifar10", "image-folder")

_FOLDER = {"mnist": "MNIST/raw", "fashion-mnist": "FashionMNIST/raw", "cifar10": "cifar-10-batches-py"}
_TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10"}
_SIZES = {
    "digits": (1437, 360),
    "mnist": (60_000, 10_000),
    "fashion-mnist": (60_000, 10_000),
    "cifar10": (50_000, 10_000),
}
_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_DIGITS = tuple("0123456789")
_CLASSES = {"digits": _DIGITS, "mnist": _DIGITS, "fashion-mnist": _FASHION, "cifar10": _CIFAR10}
# One stream per purpose, default_rng([seed, stream]): the test subset does not move with train_size.
_TRAIN, _TEST, _SPLIT = 0, 1, 2


@dataclass(frozen=True)
class Dataset:
    """Training and test images of one data set, flattened, with pixel values in [0, 1].

    A row of `train_x` or `test_x` is an image of `image_shape` = (channels, height, width) in C order, so d = C H W and
    a colour image is its red, green and blue plane in turn. No mean is subtracted and no row normalised. Labels index
    `classes`. `sha256` identifies the whole stored set, before any subset was taken; see `check`.
    """

    name: str
    train_x: Float32[Tensor, "n_train d"]
    train_y: Int64[Tensor, " n_train"]
    test_x: Float32[Tensor, "n_test d"]
    test_y: Int64[Tensor, " n_test"]
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    sha256: str


@dataclass(frozen=True)
class Status:
    """What is known of a data set without loading it; numbers are None where unknown.

    `path` is the folder of the files: None for digits (inside scikit-learn) and for an image-folder without root.
    `detail` is empty for a present set, else the line that `check` raises.
    """

    name: str
    state: Literal["present", "missing", "corrupt"]
    path: Path | None
    n_train: int | None
    n_test: int | None
    n_classes: int | None
    detail: str


class _Stored(NamedTuple):
    """A whole set as stored: rows before `n_train` are the training set; with None, `load` draws the split."""

    x: NDArray[np.uint8]  # (n, channels, height, width)
    y: NDArray[np.int64]  # (n,)
    n_train: int | None
    classes: tuple[str, ...]


def data_root(root: str | Path | None = None) -> Path:
    """The absolute folder of all downloaded sets: `root`, else $DEEPK_DATA, else the user's cache directory of deepk.

    It is torchvision's `root`: MNIST lies in `data_root() / "MNIST" / "raw"`.
    """
    return Path(root or os.environ.get("DEEPK_DATA") or platformdirs.user_cache_path("deepk")).expanduser().absolute()


def load(
    name: str,
    *,
    root: str | Path | None = None,
    train_size: int | None = None,
    test_size: int | None = None,
    seed: int = 0,
    image_size: int | None = None,
) -> Dataset:
    """Verify a data set and return it, or a random subset: float32 pixels in [0, 1], shape (n, d), and int64 labels.

    Pixels are divided by 16 (digits) or 255 (the others). Without sizes each part keeps its stored order. A subset is
    the first n entries of a permutation drawn from `seed` by a NumPy generator, so the subsets of one seed are nested;
    training and test set have independent streams, `default_rng([seed, 0])` and `default_rng([seed, 1])`.

    digits are split 80/20 (1437 / 360) by a permutation of seed 0, whatever `seed` is. An image-folder is DIR/train and
    DIR/test where both exist, else DIR split 80/20 by `default_rng([seed, 2])`. Its images become 8-bit RGB without
    transparency, stretched to `image_size` x `image_size` (bilinear) if that is given.

    Args:
        name: one of `DATASETS`.
        root: see `data_root`; for an image-folder, the folder itself.
        train_size: number of training images to keep; None keeps all.
        test_size: number of test images to keep; None keeps all.
        seed: of the subsets, and of the split of an image-folder that has none.
        image_size: of an image-folder only; required where its images differ in size.

    Raises:
        ValueError: unknown name; a size below 1 or above what exists; `image_size` for anything but an image-folder.
        DataMissing: as `check`.
        DataCorrupt: as `check`, or an image cannot be decoded.
        DataError: as `check`, or images differ in size without `image_size`, or have more than 8 bits per channel.
    """
    sha256 = check(name, root=root)
    if image_size is not None and (name != "image-folder" or image_size < 1):
        raise ValueError(
            f"image_size={image_size} with data={name}: it must be positive, and is for image-folder alone"
        )
    stored = _read(name, _folder(name, root), image_size, sha256)
    return _dataset(name, stored, _rows(name, stored, train_size, test_size, seed), sha256)


def check(name: str, *, root: str | Path | None = None) -> str:
    """Verify a data set and return its sha256 (hex), without loading it and without torch.

    The sha256 is that of the manifest, as the module says; for digits it is that of the bytes of the images (uint8)
    followed by the labels (little-endian int64). MNIST is held against known sums, CIFAR-10 against those torchvision
    declares, Fashion-MNIST against its IDX headers and the sums that `fetch` stored. The images of an image-folder are
    hashed, not decoded; files and folders whose names begin with a dot are no part of it.

    Raises:
        ValueError: unknown name.
        DataMissing: a file is absent, or an image-folder has no root, no folder or no images.
        DataCorrupt: a file is truncated or altered.
        DataError: a file cannot be read, or an image-folder has one class, or others in train/ than in test/.
    """
    _check_known(name)
    if name == "digits":
        images, labels = files.read_digits()
        return hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes()).hexdigest()
    folder = _folder(name, root)
    try:
        names = image_folder.layout(folder).files if name == "image-folder" else _present(name, folder)
        if name == "fashion-mnist":
            files.check_idx(name, folder)
        sums = {file: files.checksum(folder / file) for file in names}
        if name == "mnist":
            files.compare(name, folder, "sha256", files.MNIST_SHA256, sums)
        elif name == "fashion-mnist" and (folder / files.SIDECAR).is_file():
            lines = [line.split() for line in (folder / files.SIDECAR).read_text("utf-8").splitlines()]
            stored = {words[1]: words[0] for words in lines if len(words) == 2}
            files.compare(
                name, folder, "sha256", {file: stored.get(file, f"none in {files.SIDECAR}") for file in names}, sums
            )
        elif name == "cifar10":
            files.compare(
                name, folder, "md5", files.CIFAR10_MD5, {file: files.checksum(folder / file, "md5") for file in names}
            )
    except OSError as error:
        raise DataError(f"{name}: cannot read {error.filename}: {error.strerror}; or use data=digits") from error
    return hashlib.sha256(files.manifest(sums).encode()).hexdigest()


def fetch(name: str, *, root: str | Path | None = None) -> Path:
    """Download a data set through torchvision, verify it, and return the folder of its files; digits need nothing.

    Files that are there are left alone. The download goes to a temporary folder beside its destination and moves when
    all of it is verified: what was interrupted is never taken for data.

    Raises:
        ValueError: unknown name.
        DataCorrupt: a file that was there before is truncated or altered; delete it first.
        DataError: an image-folder cannot be fetched; the download failed (network, disk, wrong checksum).
    """
    if name == "image-folder":
        raise DataError(f"image-folder cannot be fetched, it is yours: set data.root=DIR, laid out as {LAYOUT}")
    top = data_root(root)
    try:
        check(name, root=top)
    except DataMissing:
        pass
    else:
        return top / _FOLDER.get(name, "")
    folder = _folder(name, top)
    try:
        top.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=top, prefix=".deepk-fetch-") as staging:
            getattr(files.torchvision().datasets, _TORCHVISION[name])(staging, download=True)
            check(name, root=staging)
            fresh = _folder(name, staging)
            folder.mkdir(parents=True, exist_ok=True)
            if name == "fashion-mnist":
                sums = {file: files.checksum(fresh / file) for file in _present(name, fresh)}
                (folder / files.SIDECAR).write_text(files.manifest(sums), "utf-8")
            for file in _present(name, fresh):
                if not (folder / file).exists():
                    (fresh / file).replace(folder / file)
    # What urllib, gzip, tarfile, torchvision and `check` raise for a bad connection, archive or disk.
    except (OSError, RuntimeError, EOFError, http.client.HTTPException, tarfile.TarError, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name}: could not fetch it into {folder}: {reason}; or use data=digits") from error
    check(name, root=top)
    return folder


def status(name: str, *, root: str | Path | None = None) -> Status:
    """Say whether a data set is present, missing or corrupt, where and how large; an unknown name is a ValueError."""
    n_train, n_test = _SIZES.get(name, (None, None))
    n_classes = len(_CLASSES[name]) if name in _CLASSES else None
    state: Literal["present", "missing", "corrupt"] = "present"
    detail, path = "", None
    try:
        if name != "digits":
            path = _folder(name, root)
        check(name, root=root)
        if name == "image-folder":
            names, _, n_train, classes = image_folder.layout(_folder(name, root))
            n_train = _eighty_percent(len(names)) if n_train is None else n_train
            n_test, n_classes = len(names) - n_train, len(classes)
    except DataError as error:
        state, detail = "missing" if isinstance(error, DataMissing) else "corrupt", str(error)
    return Status(name, state, path, n_train, n_test, n_classes, detail)


def _check_known(name: str) -> None:
    """Raises ValueError, with the nearest name, for one that is none of DATASETS."""
    if name not in DATASETS:
        near = difflib.get_close_matches(name.lower(), DATASETS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(DATASETS)}"
        raise ValueError(f"unknown data set {name!r}: {hint}")


def _folder(name: str, root: str | Path | None) -> Path:
    if name == "image-folder" and not root:
        raise DataMissing(f"image-folder: no folder given; set data.root=DIR, laid out as {LAYOUT}, or use data=digits")
    return data_root(root) / _FOLDER.get(name, "")


def _present(name: str, folder: Path) -> list[str]:
    names = sorted(files.CIFAR10_MD5 if name == "cifar10" else files.IDX_SHAPE)
    for file in names:
        if not (folder / file).is_file():
            raise DataMissing(
                f"{name}: no {file} in {folder}; run `deepk data fetch {name}`, or set DEEPK_DATA (or data.root=DIR) "
                f"to the folder that holds {_FOLDER[name]}, or use data=digits"
            )
    return names


@lru_cache(maxsize=1)  # a run uses one set; the largest named one takes 184 MB as uint8
def _read(name: str, folder: Path, image_size: int | None, _sha256: str) -> _Stored:
    # The sha256 is there for the cache's key: what has changed on disk is read again.
    if name == "digits":
        x, y = files.read_digits()
        return _Stored(x, y, None, _CLASSES[name])
    if name == "image-folder":
        names, labels, n_train, classes = image_folder.layout(folder)
        images = image_folder.decode(folder, names, image_size)
        return _Stored(images, np.array(labels, dtype=np.int64), n_train, classes)
    x, y = files.read_cifar10(folder) if name == "cifar10" else files.read_idx(folder)
    return _Stored(x, y, _SIZES[name][0], _CLASSES[name])


def _eighty_percent(n: int) -> int:
    return 4 * n // 5


def _rows(
    name: str, stored: _Stored, train_size: int | None, test_size: int | None, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the training and of the test images that are kept, each in the order in which they are returned."""
    train, test = _split(stored, 0 if name == "digits" else [seed, _SPLIT])
    train = _subset(train, train_size, [seed, _TRAIN], f"{name}: train_size")
    return train, _subset(test, test_size, [seed, _TEST], f"{name}: test_size")


def _dataset(name: str, stored: _Stored, kept: tuple[NDArray[np.int64], NDArray[np.int64]], sha256: str) -> Dataset:
    """The training and test images in these rows of a stored set, as tensors."""
    import torch

    def pixels(rows: NDArray[np.int64]) -> Tensor:
        largest = 16 if name == "digits" else 255
        return torch.from_numpy(stored.x[rows]).flatten(start_dim=1).to(torch.float32).div_(largest)

    train, test = kept
    return Dataset(
        name=name,
        train_x=pixels(train),
        train_y=torch.from_numpy(stored.y[train]),  # indexing by rows copies: the cached arrays stay as they are
        test_x=pixels(test),
        test_y=torch.from_numpy(stored.y[test]),
        classes=stored.classes,
        image_shape=stored.x.shape[1:],
        sha256=sha256,
    )


def _split(stored: _Stored, seed: int | list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the training and of the test set, each in stored order."""
    rows, n_train = np.arange(len(stored.y)), stored.n_train
    if n_train is None:
        rows, n_train = np.random.default_rng(seed).permutation(rows), _eighty_percent(len(rows))
    return np.sort(rows[:n_train]), np.sort(rows[n_train:])


def _subset(rows: NDArray[np.int64], size: int | None, seed: list[int], what: str) -> NDArray[np.int64]:
    if size is None:
        return rows
    if not 1 <= size <= len(rows):
        raise ValueError(f"{what}={size}, but there are {len(rows)} such images: choose 1 to {len(rows)}")
    return np.random.default_rng(seed).permutation(rows)[:size]
