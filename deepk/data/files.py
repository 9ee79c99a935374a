"""The files of data sets: their sums and headers, what is read from them, and torchvision, which fetches them."""

from __future__ import annotations

import hashlib
import math
import pickle
import struct
import sys
import warnings
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepk.data.errors import DataCorrupt

if TYPE_CHECKING:
    from numpy.typing import NDArray

IDX_SHAPE: dict[str, tuple[int, ...]] = {
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
}
# Of the decompressed files; torchvision declares sums of the archives alone.
MNIST_SHA256 = {
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
}
# torchvision.datasets.CIFAR10.train_list and .test_list, repeated here so that checking imports no torch.
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
# Nobody publishes sums of the decompressed Fashion-MNIST files, so `fetch` writes them here, next to the files, after
# torchvision has verified the archives. The format is that of `sha256sum`, whose `-c` reads it.
SIDECAR = "deepk.sha256"


def _idx_header(shape: tuple[int, ...]) -> bytes:
    """An IDX header: two zero bytes, 8 for unsigned bytes, the number of axes, then each length, all big-endian."""
    return struct.pack(f">{1 + len(shape)}i", 0x0800 + len(shape), *shape)


def check_idx(name: str, folder: Path) -> None:
    """Raises DataCorrupt at the first IDX file that has not the size and header of its declared shape."""
    for file, shape in IDX_SHAPE.items():
        header = _idx_header(shape)
        size = len(header) + math.prod(shape)
        compare(name, folder, "size", {file: size}, {file: (folder / file).stat().st_size})
        with (folder / file).open("rb") as stream:
            compare(name, folder, "IDX header", {file: header.hex()}, {file: stream.read(len(header)).hex()})


def compare(name: str, folder: Path, what: str, expected: Mapping[str, object], found: Mapping[str, object]) -> None:
    """Raises DataCorrupt at the first file of which `what`, a size or a sum, is not the expected one."""
    for file, value in expected.items():
        if found[file] != value:
            raise DataCorrupt(
                f"{name}: {folder / file} is truncated or altered: {what} {found[file]}, expected {value}; "
                f"delete it and run `deepk data fetch {name}`"
            )


def checksum(path: Path, algorithm: str = "sha256") -> str:
    """The sum of a file's bytes by a hash algorithm, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def manifest(sums: Mapping[str, str]) -> str:
    """The lines that `sha256sum FILE...` prints for these sums, sorted by file name."""
    return "".join(f"{sums[file]}  {file}\n" for file in sorted(sums))


def read_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images of shape (1797, 1, 8, 8), from 0 to 16, and labels, from the file that scikit-learn brings."""
    try:  # the file that load_digits reads: to import scikit-learn for it takes a second, in every process of a run
        file = metadata.distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
        table = np.loadtxt(str(file), delimiter=",", dtype=np.uint8)  # a row: 64 pixels, then the label
    except (OSError, metadata.PackageNotFoundError):  # another version of it may keep the file elsewhere
        from sklearn.datasets import load_digits

        digits = load_digits()
        table = np.column_stack([digits.data, digits.target]).astype(np.uint8)
    return table[:, :-1].reshape(-1, 1, 8, 8), table[:, -1].astype(np.int64)


def read_idx(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images of shape (70000, 1, 28, 28) and labels of MNIST or Fashion-MNIST, the training set first."""

    def body(file: str) -> NDArray[np.uint8]:
        shape = IDX_SHAPE[file]
        return np.fromfile(folder / file, dtype=np.uint8, offset=len(_idx_header(shape))).reshape(shape)

    x = np.concatenate([body(f"{part}-images-idx3-ubyte") for part in ("train", "t10k")])
    y = np.concatenate([body(f"{part}-labels-idx1-ubyte") for part in ("train", "t10k")])
    return x[:, None], y.astype(np.int64)


class _ArrayUnpickler(pickle.Unpickler):
    """Reads what CIFAR-10's files hold, NumPy arrays in lists and dictionaries, and imports nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in CIFAR-10")


def read_cifar10(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images of shape (60000, 3, 32, 32) and labels of CIFAR-10, the training set first."""
    batches = []
    for file in sorted(CIFAR10_MD5):  # data_batch_1 .. data_batch_5, test_batch
        # NumPy 2.4.0 to 2.4.4 warn of the integer flags in arrays that Python 2 pickled (numpy/numpy#31177).
        with (folder / file).open("rb") as stream, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
            batches.append(_ArrayUnpickler(stream, encoding="latin1").load())
    # A stored row is the red, the green and the blue plane.
    x = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    return x, np.concatenate([np.array(batch["labels"], dtype=np.int64) for batch in batches])


_OPERATORS: list[object] = []  # when a torch.library.Library is collected, its operators go with it


def torchvision() -> Any:
    """Import torchvision, also beside a CPU-only torch.

    The published wheel is built against CUDA torch. Beside a CPU-only one its operator library does not load, and the
    import dies on `torchvision::nms`. Data sets need no operator, so the two that the import asks for are declared,
    without implementation, and it is begun again (seen with torch 2.13.0 and torchvision 0.28.0).
    """
    import torch

    try:
        import torchvision
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
        for module in [module for module in sys.modules if module.partition(".")[0] == "torchvision"]:
            del sys.modules[module]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(operator + signature)
        _OPERATORS.append(library)
        import torchvision
    return torchvision
