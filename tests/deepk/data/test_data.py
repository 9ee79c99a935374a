"""Data sets: what is loaded, what is verified, and what is said when something is missing. No test uses the network."""

import functools
import gzip
import hashlib
import http.client
import http.server
import os
import pickle
import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from deepk import data
from deepk.data import files, image_folder

DOWNLOADED = ("mnist", "fashion-mnist", "cifar10")
# sha256 of the bytes of scikit-learn's 1797 images (uint8) and labels (int64); computed with scikit-learn 1.9.1.
DIGITS_SHA256 = "65e5b4619795efb40c1082f4c350c049e4ad552200d369b6ae99e21eef5e72c5"
needs_mnist = pytest.mark.skipif(
    not (Path(os.environ.get("DEEPK_DATA", "/nowhere")) / "MNIST" / "raw").is_dir(), reason="no MNIST in $DEEPK_DATA"
)


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def write_idx(folder: Path, *, images: bytes = b"", labels: bytes = b"") -> Path:
    """Four IDX files of the declared sizes, zero (and sparse) after the first bytes given."""
    folder.mkdir(parents=True)
    for part, n in (("train", 60_000), ("t10k", 10_000)):
        for kind, header, first, size in (
            ("images-idx3", struct.pack(">4i", 2051, n, 28, 28), images, 16 + n * 784),
            ("labels-idx1", struct.pack(">2i", 2049, n), labels, 8 + n),
        ):
            path = folder / f"{part}-{kind}-ubyte"
            path.write_bytes(header + first)
            os.truncate(path, size)
    return folder


class Python2Pickler(pickle._Pickler):  # the pure-Python one, whose dispatch can be changed
    """Writes byte strings as Python 2 did; the files of CIFAR-10 are Python 2 pickles."""

    dispatch = pickle._Pickler.dispatch | {
        bytes: lambda self, obj: self.write(pickle.BINSTRING + struct.pack("<i", len(obj)) + obj)
    }


def write_cifar10(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six batches of two images, each with three constant planes, and their sums declared to be right."""
    folder.mkdir(parents=True)
    sums = {}
    for k, file in enumerate(sorted(files.CIFAR10_MD5)):
        rows = np.repeat(np.array([[k, 10 + k, 20 + k], [100 + k, 110 + k, 120 + k]], dtype=np.uint8), 1024, axis=1)
        with (folder / file).open("wb") as stream:
            Python2Pickler(stream, protocol=2).dump({"data": rows, "labels": [k, 9 - k]})
        # Python 2 knew no booleans in a dtype: align, copy = 0, 1.
        body = (folder / file).read_bytes().replace(b"\x89\x88\x87", b"K\x00K\x01\x87")
        (folder / file).write_bytes(body.replace(b"numpy._core", b"numpy.core"))
        sums[file] = hashlib.md5((folder / file).read_bytes()).hexdigest()
    monkeypatch.setattr(files, "CIFAR10_MD5", sums)
    monkeypatch.setitem(data._SIZES, "cifar10", (10, 2))
    return folder


def write_images(folder: Path, *, classes: tuple[str, ...] = ("cat", "dog"), n: int = 5, size: int = 4) -> Path:
    """n RGB images per class: red is the class, green the image, blue the row of pixels."""
    for c, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = np.zeros((size, size, 3), dtype=np.uint8)
            pixels[..., 0], pixels[..., 1], pixels[..., 2] = c, i, np.arange(size)[:, None]
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


def fake_download(monkeypatch: pytest.MonkeyPatch, name: str, act: object) -> None:
    monkeypatch.setattr(getattr(files.torchvision().datasets, data._TORCHVISION[name]), "download", act)


# Import and names -------------------------------------------------------------------------------------------------


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_module_imports_no_torch_torchvision_or_sklearn():
    assert not {"torch", "torchvision", "sklearn"} & loaded_by("import deepk.data")


def test_checking_imports_neither_torch_nor_sklearn():
    assert not {"torch", "sklearn"} & loaded_by("import deepk.data; deepk.data.check('digits')")


@pytest.mark.parametrize("function", [data.load, data.check, data.fetch, data.status])
def test_an_unknown_name_is_a_one_line_value_error(function):
    with pytest.raises(ValueError, match="unknown data set 'minst'") as error:
        function("minst")
    one_line(error)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("minst", "mnist"),
        ("MNIST", "mnist"),
        ("cifar-10", "cifar10"),
        ("fashion", "fashion-mnist"),
        ("digit", "digits"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_right_one(typed, meant):
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        data.check(typed)


def test_a_name_unlike_any_is_answered_with_all_names():
    with pytest.raises(ValueError, match="digits, mnist, fashion-mnist, cifar10, image-folder"):
        data.check("zzz")


def test_the_root_argument_comes_before_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("DEEPK_DATA", "/elsewhere")
    assert data.data_root(tmp_path) == tmp_path


def test_the_environment_comes_before_the_cache_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("DEEPK_DATA", str(tmp_path))
    assert data.data_root() == tmp_path


def test_an_empty_environment_variable_means_the_cache_directory(monkeypatch):
    monkeypatch.setenv("DEEPK_DATA", "")
    assert data.data_root().name == "deepk"


def test_the_root_is_made_absolute():
    assert data.data_root("here") == Path.cwd() / "here"


# Digits and subsets -----------------------------------------------------------------------------------------------


def test_digits_are_1437_and_360_images_of_64_pixels():
    digits = data.load("digits")
    assert (digits.train_x.shape, digits.test_x.shape) == ((1437, 64), (360, 64))
    assert (digits.train_y.shape, digits.test_y.shape) == ((1437,), (360,))


def test_digits_have_image_shape_and_classes():
    digits = data.load("digits")
    assert (digits.image_shape, digits.classes) == ((1, 8, 8), tuple("0123456789"))


def test_pixels_are_float32_and_labels_int64():
    digits = data.load("digits")
    assert {digits.train_x.dtype, digits.test_x.dtype} == {torch.float32}
    assert {digits.train_y.dtype, digits.test_y.dtype} == {torch.int64}


def test_digit_pixels_are_sixteenths_from_zero_to_one():
    x = data.load("digits").train_x
    assert torch.equal(x.mul(16).unique(), torch.arange(17.0))


def test_training_and_test_digits_are_together_all_of_scikit_learns():
    from sklearn.datasets import load_digits

    digits = data.load("digits")
    rows = np.concatenate([digits.train_x.numpy() * 16, digits.test_x.numpy() * 16])
    labelled = np.column_stack([rows, np.concatenate([digits.train_y, digits.test_y])])
    stored = load_digits()
    expected = np.column_stack([stored.data, stored.target])
    assert np.array_equal(labelled[np.lexsort(labelled.T)], expected[np.lexsort(expected.T)])


def test_digits_test_set_does_not_depend_on_the_seed():
    assert torch.equal(data.load("digits", seed=1).test_x, data.load("digits", seed=2).test_x)


def test_the_split_of_the_digits_is_the_recorded_one():
    # Of seed 0 with NumPy 2.4; a NumPy that draws another permutation must not move the test set unnoticed.
    assert data.load("digits").test_y[:12].tolist() == [1, 3, 4, 6, 7, 9, 4, 6, 9, 0, 6, 2]


def test_the_sha256_of_the_digits_is_the_recorded_one():
    assert data.check("digits") == data.load("digits").sha256 == DIGITS_SHA256


def test_digits_are_the_same_where_scikit_learn_keeps_their_file_elsewhere(monkeypatch, tmp_path):
    from importlib.metadata import PathDistribution

    monkeypatch.setattr("importlib.metadata.distribution", lambda name: PathDistribution(tmp_path / name))
    assert data.check("digits") == DIGITS_SHA256


def test_without_sizes_the_stored_order_is_kept():
    from sklearn.datasets import load_digits

    stored = torch.from_numpy(load_digits().data).to(torch.float32) / 16
    train = data.load("digits").train_x
    places = [int((stored == row).all(dim=1).nonzero()[0]) for row in train[:50]]
    assert places == sorted(places)


def test_subsets_of_one_seed_are_nested():
    small, large = (data.load("digits", train_size=n, seed=3) for n in (10, 100))
    assert torch.equal(small.train_x, large.train_x[:10])


def test_subsets_of_two_seeds_differ():
    one, two = (data.load("digits", train_size=100, seed=seed) for seed in (0, 1))
    assert not torch.equal(one.train_x, two.train_x)


def test_a_subset_keeps_each_image_with_its_label():
    whole, part = data.load("digits"), data.load("digits", train_size=40)
    for row, label in zip(part.train_x, part.train_y, strict=True):
        assert label in whole.train_y[(whole.train_x == row).all(dim=1)]


def test_a_subset_repeats_no_row():
    whole, part = data.load("digits"), data.load("digits", train_size=1437)
    assert torch.equal(part.train_x.sum(dim=0), whole.train_x.sum(dim=0))  # sums of sixteenths are exact


def test_the_test_subset_does_not_move_with_the_training_size():
    one, two = (data.load("digits", train_size=n, test_size=20) for n in (10, None))
    assert torch.equal(one.test_x, two.test_x)


def test_a_subset_does_not_change_the_sha256():
    assert data.load("digits", train_size=10, test_size=10).sha256 == DIGITS_SHA256


@pytest.mark.parametrize(
    ("sizes", "limit"),
    [
        ({"train_size": 1438}, "choose 1 to 1437"),
        ({"train_size": 0}, "choose 1 to 1437"),
        ({"train_size": -5}, "choose 1 to 1437"),
        ({"test_size": 361}, "choose 1 to 360"),
    ],
)
def test_a_size_out_of_range_is_refused_with_the_range(sizes, limit):
    with pytest.raises(ValueError, match=limit) as error:
        data.load("digits", **sizes)
    one_line(error)


def test_changing_a_loaded_set_does_not_change_the_next_one():
    data.load("digits").train_x.zero_()
    data.load("digits").train_y.zero_()
    again = data.load("digits")
    assert again.train_x.max() == 1
    assert again.train_y.max() == 9


def test_image_size_is_refused_for_anything_but_an_image_folder():
    with pytest.raises(ValueError, match="image-folder alone"):
        data.load("digits", image_size=4)


# Missing and corrupt files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_missing_set_names_the_place_and_three_ways_out(name, tmp_path):
    with pytest.raises(data.DataMissing) as error:
        data.load(name, root=tmp_path)
    message = one_line(error)
    for words in (name, str(tmp_path), f"`deepk data fetch {name}`", "DEEPK_DATA", "data.root=DIR", "data=digits"):
        assert words in message


def test_one_absent_file_is_missing(tmp_path):
    folder = write_idx(tmp_path / "FashionMNIST" / "raw")
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(data.DataMissing, match="no train-labels-idx1-ubyte"):
        data.check("fashion-mnist", root=tmp_path)


def test_a_truncated_fashion_mnist_file_is_named_with_both_sizes(tmp_path):
    name = "fashion-mnist"  # whose checksums nobody publishes
    folder = write_idx(tmp_path / data._FOLDER[name])
    os.truncate(folder / "t10k-images-idx3-ubyte", 7_000_000)
    with pytest.raises(data.DataCorrupt, match=r"t10k-images-idx3-ubyte .* size 7000000, expected 7840016") as error:
        data.check(name, root=tmp_path)
    assert f"delete it and run `deepk data fetch {name}`" in one_line(error)


def test_a_file_of_the_right_size_with_another_header_is_corrupt(tmp_path):
    folder = write_idx(tmp_path / "FashionMNIST" / "raw")
    with (folder / "train-labels-idx1-ubyte").open("r+b") as stream:
        stream.write(b"<html>")
    with pytest.raises(data.DataCorrupt, match=r"train-labels-idx1-ubyte .* IDX header 3c68746d6c3eea60"):
        data.check("fashion-mnist", root=tmp_path)


def test_an_altered_mnist_file_is_named_with_both_checksums(tmp_path):
    folder = write_idx(tmp_path / "MNIST" / "raw")
    found = hashlib.sha256((folder / "t10k-images-idx3-ubyte").read_bytes()).hexdigest()
    with pytest.raises(data.DataCorrupt, match="t10k-images-idx3-ubyte") as error:
        data.load("mnist", root=tmp_path)
    assert f"sha256 {found}, expected 0fa7898d5092" in one_line(error)


def test_an_altered_cifar10_batch_is_named_with_both_checksums(tmp_path, monkeypatch):
    folder = write_cifar10(tmp_path / "cifar-10-batches-py", monkeypatch)
    (folder / "data_batch_3").write_bytes(b"wrong")
    with pytest.raises(
        data.DataCorrupt, match=r"data_batch_3 .* md5 2bda2998d9b0ee197da142a0447f6725, expected"
    ) as error:
        data.check("cifar10", root=tmp_path)
    assert "`deepk data fetch cifar10`" in one_line(error)


def test_an_unreadable_file_is_a_one_line_error(tmp_path, monkeypatch):
    write_idx(tmp_path / "FashionMNIST" / "raw")

    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied", "the-file")

    monkeypatch.setattr(files, "checksum", refuse)
    with pytest.raises(data.DataError, match="cannot read the-file: Permission denied") as error:
        data.check("fashion-mnist", root=tmp_path)
    one_line(error)


# Fashion-MNIST and CIFAR-10 from files made here ------------------------------------------------------------------


def test_fashion_mnist_without_stored_sums_is_accepted_by_its_headers(tmp_path):
    folder = write_idx(tmp_path / "FashionMNIST" / "raw")
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in sorted(folder.iterdir())]
    assert data.check("fashion-mnist", root=tmp_path) == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_fashion_mnist_is_held_against_the_stored_sums(tmp_path):
    folder = write_idx(tmp_path / "FashionMNIST" / "raw")
    sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    (folder / files.SIDECAR).write_text(files.manifest(sums))
    data.check("fashion-mnist", root=tmp_path)
    with (folder / "train-labels-idx1-ubyte").open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"\x01")
    with pytest.raises(data.DataCorrupt, match="train-labels-idx1-ubyte"):
        data.check("fashion-mnist", root=tmp_path)


def test_stored_sums_that_omit_a_file_do_not_vouch_for_it(tmp_path):
    folder = write_idx(tmp_path / "FashionMNIST" / "raw")
    (folder / files.SIDECAR).write_text("")
    with pytest.raises(data.DataCorrupt, match=r"expected none in deepk\.sha256"):
        data.check("fashion-mnist", root=tmp_path)


def test_idx_pixels_are_divided_by_255_and_follow_their_labels(tmp_path):
    write_idx(tmp_path / "FashionMNIST" / "raw", images=bytes([0, 51, 255]), labels=bytes([9, 2]))
    fashion = data.load("fashion-mnist", root=tmp_path)
    assert (fashion.train_x.shape, fashion.test_x.shape, fashion.image_shape) == (
        (60000, 784),
        (10000, 784),
        (1, 28, 28),
    )
    assert torch.equal(fashion.train_x[0, :4], torch.tensor([0, 0.2, 1, 0]))
    assert fashion.train_y[:3].tolist() == fashion.test_y[:3].tolist() == [9, 2, 0]
    assert fashion.classes[9] == "Ankle boot"


def test_cifar10_rows_are_the_red_the_green_and_the_blue_plane(tmp_path, monkeypatch):
    write_cifar10(tmp_path / "cifar-10-batches-py", monkeypatch)
    cifar = data.load("cifar10", root=tmp_path)
    assert cifar.image_shape == (3, 32, 32)
    planes = cifar.train_x.mul(255).round().view(10, 3, 1024)
    assert torch.equal(planes[3], torch.tensor([[101.0], [111], [121]]).expand(3, 1024))  # second image of batch 2


def test_cifar10_batches_come_in_order_with_the_test_batch_last(tmp_path, monkeypatch):
    write_cifar10(tmp_path / "cifar-10-batches-py", monkeypatch)
    cifar = data.load("cifar10", root=tmp_path)
    assert cifar.train_y.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert cifar.test_y.tolist() == [5, 4]


def test_the_sums_of_cifar10_are_those_torchvision_declares():
    cifar10 = files.torchvision().datasets.CIFAR10
    assert dict(cifar10.train_list + cifar10.test_list) == files.CIFAR10_MD5


def test_class_names_are_torchvisions():
    assert list(data._CLASSES["fashion-mnist"]) == files.torchvision().datasets.FashionMNIST.classes


def test_reading_a_batch_imports_nothing_but_arrays(tmp_path, monkeypatch):
    folder = write_cifar10(tmp_path / "cifar-10-batches-py", monkeypatch)
    (folder / "data_batch_1").write_bytes(b"cos\ngetcwd\n(tR.")
    with pytest.raises(pickle.UnpicklingError, match=r"os\.getcwd has no place"):
        files.read_cifar10(folder)


# MNIST as published -----------------------------------------------------------------------------------------------


@needs_mnist
def test_mnist_begins_with_the_known_labels():
    mnist = data.load("mnist")
    assert (mnist.train_y[:5].tolist(), mnist.test_y[:5].tolist()) == ([5, 0, 4, 1, 9], [7, 2, 1, 0, 4])


@needs_mnist
def test_mnist_is_what_torchvision_reads():
    mnist, torchvision = data.load("mnist"), files.torchvision()
    for train, x, y in ((True, mnist.train_x, mnist.train_y), (False, mnist.test_x, mnist.test_y)):
        theirs = torchvision.datasets.MNIST(data.data_root(), train=train)
        assert torch.equal(x, theirs.data.flatten(1).float() / 255)
        assert torch.equal(y, theirs.targets)


@needs_mnist
def test_the_sha256_of_mnist_is_that_of_its_published_sums():
    manifest = "".join(f"{files.MNIST_SHA256[file]}  {file}\n" for file in sorted(files.MNIST_SHA256))
    assert data.check("mnist") == hashlib.sha256(manifest.encode()).hexdigest()


@needs_mnist
def test_one_altered_byte_of_mnist_is_found(tmp_path):
    folder = tmp_path / "MNIST" / "raw"
    shutil.copytree(data.data_root() / "MNIST" / "raw", folder, copy_function=shutil.copyfile)
    with (folder / "t10k-labels-idx1-ubyte").open("r+b") as stream:
        stream.seek(5000)
        byte = stream.read(1)[0]
        stream.seek(5000)
        stream.write(bytes([byte ^ 1]))
    with pytest.raises(data.DataCorrupt, match=r"t10k-labels-idx1-ubyte .* expected ff7bcfd416de"):
        data.check("mnist", root=tmp_path)


# Fetching ---------------------------------------------------------------------------------------------------------


class QuietServer(http.server.ThreadingHTTPServer):
    """Says nothing when torchvision hangs up early, as it does after looking for redirections."""

    def handle_error(self, *_: object) -> None:
        pass


class QuietRequestHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """A folder of Fashion-MNIST archives that torchvision's own code downloads from this machine."""
    raw = write_idx(tmp_path / "made", images=bytes([7] * 784), labels=bytes([3]))
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    resources = []
    for path in sorted(raw.iterdir()):
        packed = mirror / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes(), compresslevel=1))
        resources.append((packed.name, hashlib.md5(packed.read_bytes()).hexdigest()))
    with QuietServer(("127.0.0.1", 0), functools.partial(QuietRequestHandler, directory=mirror)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        fashion = files.torchvision().datasets.FashionMNIST
        monkeypatch.setattr(fashion, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        monkeypatch.setattr(fashion, "resources", resources)
        monkeypatch.setenv("no_proxy", "*")
        yield mirror
        server.shutdown()


@pytest.mark.usefixtures("archives")
def test_a_fetched_set_can_be_loaded(tmp_path):
    folder = data.fetch("fashion-mnist", root=tmp_path / "root")
    assert folder == tmp_path / "root" / "FashionMNIST" / "raw"
    assert data.load("fashion-mnist", root=tmp_path / "root", train_size=5, test_size=5).train_x.shape == (5, 784)


@pytest.mark.usefixtures("archives")
def test_a_fetch_leaves_the_files_their_sums_and_nothing_else(tmp_path):
    folder = data.fetch("fashion-mnist", root=tmp_path / "root")
    assert {p.name for p in folder.iterdir()} == {*files.IDX_SHAPE, files.SIDECAR}
    assert [p.name for p in (tmp_path / "root").iterdir()] == ["FashionMNIST"]


@pytest.mark.usefixtures("archives")
def test_the_stored_sums_are_those_of_the_fetched_files(tmp_path):
    folder = data.fetch("fashion-mnist", root=tmp_path / "root")
    lines = [f"{hashlib.sha256((folder / f).read_bytes()).hexdigest()}  {f}" for f in sorted(files.IDX_SHAPE)]
    assert (folder / files.SIDECAR).read_text().splitlines() == lines


@pytest.mark.usefixtures("archives")
def test_a_fetch_completes_a_set_that_lacks_a_file(tmp_path):
    folder = data.fetch("fashion-mnist", root=tmp_path / "root")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    data.fetch("fashion-mnist", root=tmp_path / "root")
    assert data.status("fashion-mnist", root=tmp_path / "root").state == "present"


@pytest.mark.usefixtures("archives")
def test_a_fetch_never_overwrites_a_corrupt_file(tmp_path):
    folder = data.fetch("fashion-mnist", root=tmp_path / "root")
    os.truncate(folder / "t10k-labels-idx1-ubyte", 10)
    with pytest.raises(data.DataCorrupt, match="delete it and run"):
        data.fetch("fashion-mnist", root=tmp_path / "root")
    assert (folder / "t10k-labels-idx1-ubyte").stat().st_size == 10


@pytest.mark.usefixtures("archives")
def test_completing_a_set_does_not_overwrite_a_corrupt_file(tmp_path):
    folder = data.fetch("fashion-mnist", root=tmp_path / "root")
    (folder / "t10k-images-idx3-ubyte").unlink()
    os.truncate(folder / "t10k-labels-idx1-ubyte", 10)
    with pytest.raises(data.DataCorrupt, match="t10k-labels-idx1-ubyte is truncated"):
        data.fetch("fashion-mnist", root=tmp_path / "root")
    assert (folder / "t10k-labels-idx1-ubyte").stat().st_size == 10


def test_a_damaged_archive_leaves_the_set_missing(archives, tmp_path):
    os.truncate(archives / "t10k-images-idx3-ubyte.gz", 100)
    with pytest.raises(data.DataError, match=r"fashion-mnist: could not fetch it into .*corrupted") as error:
        data.fetch("fashion-mnist", root=tmp_path / "root")
    one_line(error)
    assert data.status("fashion-mnist", root=tmp_path / "root").state == "missing"


def test_a_set_that_is_there_is_not_downloaded_again(tmp_path, monkeypatch):
    folder = write_idx(tmp_path / "FashionMNIST" / "raw")
    monkeypatch.setattr(files, "torchvision", lambda: pytest.fail("torchvision was asked"))
    assert data.fetch("fashion-mnist", root=tmp_path) == folder


@pytest.mark.parametrize("name", DOWNLOADED)
@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (URLError("no route to host"), "no route to host"),
        (RuntimeError("Error downloading a:\nTried b, got:\nc"), "Error downloading a: Tried b, got: c"),
        (http.client.IncompleteRead(b"ab", 5), "IncompleteRead"),
        (EOFError(), "EOFError"),
        (TimeoutError("timed out"), "timed out"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failed_download_is_one_line_with_the_reason(name, failure, reason, tmp_path, monkeypatch):
    def fail(_: object) -> None:
        raise failure

    fake_download(monkeypatch, name, fail)
    with pytest.raises(data.DataError, match=reason) as error:
        data.fetch(name, root=tmp_path)
    assert one_line(error).startswith(f"{name}: could not fetch it into {tmp_path}")


def test_an_interrupted_download_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(self) -> None:
        write_idx(Path(self.raw_folder))
        (Path(self.raw_folder) / "train-labels-idx1-ubyte").write_bytes(b"half")
        raise KeyboardInterrupt

    fake_download(monkeypatch, "mnist", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.fetch("mnist", root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_is_not_mnist_is_refused(tmp_path, monkeypatch):
    fake_download(monkeypatch, "mnist", lambda self: write_idx(Path(self.raw_folder)))
    with pytest.raises(data.DataError, match="could not fetch"):
        data.fetch("mnist", root=tmp_path)
    assert data.status("mnist", root=tmp_path).state == "missing"


def test_fetching_into_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(data.DataError, match="could not fetch it into") as error:
        data.fetch("mnist", root=tmp_path / "file" / "root")
    one_line(error)


def test_an_image_folder_cannot_be_fetched():
    with pytest.raises(data.DataError, match=r"cannot be fetched.*data\.root=DIR") as error:
        data.fetch("image-folder")
    one_line(error)


def test_fetching_digits_needs_nothing(tmp_path):
    assert data.fetch("digits", root=tmp_path) == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_torchvision_is_imported_once():
    assert files.torchvision() is files.torchvision()


# Image folders ----------------------------------------------------------------------------------------------------


def test_an_image_folder_is_split_80_to_20(tmp_path):
    images = data.load("image-folder", root=write_images(tmp_path))
    assert (images.train_x.shape, images.test_x.shape, images.image_shape) == ((8, 48), (2, 48), (3, 4, 4))


def test_the_split_of_an_image_folder_depends_on_the_seed_alone(tmp_path):
    write_images(tmp_path, n=50)
    one, again, two = (data.load("image-folder", root=tmp_path, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.test_x, again.test_x)
    assert not torch.equal(one.test_x, two.test_x)


def test_no_image_is_both_in_training_and_test(tmp_path):
    images = data.load("image-folder", root=write_images(tmp_path))
    rows = torch.cat([images.train_x, images.test_x])
    assert len(rows.unique(dim=0)) == 10


def test_images_are_flattened_plane_by_plane_and_divided_by_255(tmp_path):
    for part in ("train", "test"):
        write_images(tmp_path / part)
    images = data.load("image-folder", root=tmp_path)
    planes = images.train_x.mul(255).round().view(10, 3, 4, 4)
    assert torch.equal(planes[:, 0, 0, 0], images.train_y.float())  # red is the class
    assert torch.equal(planes[:, 1, 0, 0], torch.arange(5.0).repeat(2))  # green is the image
    assert torch.equal(planes[0, 2], torch.arange(4.0)[:, None].expand(4, 4))  # blue is the row


def test_classes_are_the_folders_in_alphabetical_order(tmp_path):
    assert data.load("image-folder", root=write_images(tmp_path, classes=("owl", "ant"))).classes == ("ant", "owl")


def test_train_and_test_folders_are_used_where_both_exist(tmp_path):
    write_images(tmp_path / "train", n=3)
    write_images(tmp_path / "test", n=2)
    images = data.load("image-folder", root=tmp_path)
    assert (images.train_y.tolist(), images.test_y.tolist()) == ([0, 0, 0, 1, 1, 1], [0, 0, 1, 1])


def test_files_and_labels_are_those_of_torchvisions_image_folder(tmp_path):
    write_images(tmp_path, classes=("b", "a", "C"), n=3)
    (tmp_path / "a" / "deeper").mkdir()
    shutil.copy(tmp_path / "a" / "0.png", tmp_path / "a" / "deeper" / "x.PNG")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    shutil.copy(tmp_path / "a" / "0.png", tmp_path / "stray.png")
    layout, theirs = image_folder.layout(tmp_path), files.torchvision().datasets.ImageFolder(tmp_path)
    ours = {(str(tmp_path / file), label) for file, label in zip(layout.files, layout.labels, strict=True)}
    assert ours == set(theirs.samples)
    assert list(layout.classes) == theirs.classes


def test_hidden_files_and_folders_are_no_images(tmp_path):
    write_images(tmp_path)
    before = data.check("image-folder", root=tmp_path)
    write_images(tmp_path, classes=(".ipynb_checkpoints",))
    shutil.copy(tmp_path / "cat" / "0.png", tmp_path / "cat" / "._0.png")
    assert data.check("image-folder", root=tmp_path) == before


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_images_of_any_8_bit_mode_become_rgb(mode, tmp_path):
    write_images(tmp_path)
    Image.new(mode, (4, 4)).save(tmp_path / "cat" / "0.tiff")
    assert data.load("image-folder", root=tmp_path).image_shape == (3, 4, 4)


def test_an_image_of_16_bits_is_refused_rather_than_clipped(tmp_path):
    write_images(tmp_path)
    Image.fromarray(np.full((4, 4), 1000, dtype=np.uint16)).save(tmp_path / "dog" / "2.png")
    with pytest.raises(data.DataError, match=r"dog/2\.png has more than 8 bits") as error:
        data.load("image-folder", root=tmp_path)
    one_line(error)


def test_the_first_image_of_another_size_is_named(tmp_path):
    write_images(tmp_path)
    for file in ("cat/3.png", "dog/1.png"):
        Image.new("RGB", (6, 5)).save(tmp_path / file)
    with pytest.raises(
        data.DataError, match=r"cat/3\.png has 6 x 5 pixels but cat/0\.png has 4 x 4; .*image_size=N"
    ) as error:
        data.load("image-folder", root=tmp_path)
    one_line(error)


def test_image_size_resizes_images_of_any_size(tmp_path):
    write_images(tmp_path)
    Image.new("RGB", (6, 5)).save(tmp_path / "cat" / "3.png")
    images = data.load("image-folder", root=tmp_path, image_size=2)
    assert (images.image_shape, images.train_x.shape) == ((3, 2, 2), (8, 12))


def test_images_need_not_be_square(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (6, 5)).save(tmp_path / name / "0.png")
    assert data.load("image-folder", root=tmp_path).image_shape == (3, 5, 6)


@pytest.mark.parametrize("keep", [0, 20, 50])  # no bytes, a cut header, a cut body
def test_an_image_that_cannot_be_decoded_is_corrupt(keep, tmp_path):
    write_images(tmp_path)
    os.truncate(tmp_path / "dog" / "1.png", keep)
    with pytest.raises(data.DataCorrupt, match=r"cannot decode .*dog/1\.png") as error:
        data.load("image-folder", root=tmp_path)
    one_line(error)


def test_the_sha256_of_an_image_folder_is_that_of_its_sorted_sums(tmp_path):
    write_images(tmp_path)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    lines = [f"{hashlib.sha256((tmp_path / file).read_bytes()).hexdigest()}  {file}\n" for file in files]
    assert data.check("image-folder", root=tmp_path) == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_sha256_of_an_image_folder_ignores_seed_and_size(tmp_path):
    write_images(tmp_path)
    loaded = data.load("image-folder", root=tmp_path, seed=4, train_size=3, image_size=2)
    assert loaded.sha256 == data.check("image-folder", root=tmp_path)


def test_an_image_changed_on_disk_is_read_again(tmp_path):
    write_images(tmp_path)
    before = data.load("image-folder", root=tmp_path)
    for path in tmp_path.rglob("*.png"):
        Image.new("RGB", (4, 4), "white").save(path)
    after = data.load("image-folder", root=tmp_path)
    assert (after.train_x == 1).all()
    assert after.sha256 != before.sha256


def no_root(_: Path) -> Path | None:
    return None


def no_folder(tmp_path: Path) -> Path | None:
    return tmp_path / "absent"


def empty_folder(tmp_path: Path) -> Path | None:
    return tmp_path


def images_outside_classes(tmp_path: Path) -> Path | None:
    Image.new("RGB", (4, 4)).save(tmp_path / "0.png")
    return tmp_path


@pytest.mark.parametrize("make", [no_root, no_folder, empty_folder, images_outside_classes])
def test_an_image_folder_without_images_is_missing_with_its_layout(make, tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPK_DATA", str(tmp_path))
    with pytest.raises(data.DataMissing, match=r"DIR/CLASS/.*DIR/train/CLASS") as error:
        data.load("image-folder", root=make(tmp_path))
    one_line(error)


def test_train_and_test_must_have_the_same_classes(tmp_path):
    write_images(tmp_path / "train", classes=("cat", "dog"))
    write_images(tmp_path / "test", classes=("cat", "eel"))
    with pytest.raises(data.DataError, match="train has no images of 'eel'") as error:
        data.check("image-folder", root=tmp_path)
    one_line(error)


@pytest.mark.parametrize("part", ["train", "test"])
def test_train_or_test_alone_is_not_taken_for_a_class(part, tmp_path):
    write_images(tmp_path / part)
    write_images(tmp_path / "val")
    with pytest.raises(data.DataError, match=f"has {part}/ alone") as error:
        data.check("image-folder", root=tmp_path)
    one_line(error)


def test_one_class_is_refused(tmp_path):
    with pytest.raises(data.DataError, match="has one class, 'cat'") as error:
        data.check("image-folder", root=write_images(tmp_path, classes=("cat",)))
    one_line(error)


# Status -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("mnist", (60000, 10000, 10)), ("fashion-mnist", (60000, 10000, 10)), ("cifar10", (50000, 10000, 10))],
)
def test_the_status_of_a_missing_set_has_its_place_and_sizes(name, sizes, tmp_path):
    status = data.status(name, root=tmp_path)
    assert (status.state, status.path) == ("missing", tmp_path / data._FOLDER[name])
    assert (status.n_train, status.n_test, status.n_classes) == sizes
    assert f"deepk data fetch {name}" in status.detail


def test_the_status_of_digits_is_present():
    assert data.status("digits") == data.Status("digits", "present", None, 1437, 360, 10, "")


def test_the_status_of_a_truncated_set_is_corrupt(tmp_path):
    folder = write_idx(tmp_path / "MNIST" / "raw")
    os.truncate(folder / "t10k-labels-idx1-ubyte", 10)
    assert data.status("mnist", root=tmp_path).state == "corrupt"


def test_the_status_of_an_image_folder_counts_its_images(tmp_path):
    status = data.status("image-folder", root=write_images(tmp_path))
    assert status == data.Status("image-folder", "present", tmp_path, 8, 2, 2, "")


def test_the_status_of_an_image_folder_without_root_is_missing():
    status = data.status("image-folder")
    assert (status.state, status.path, status.n_train) == ("missing", None, None)


@pytest.mark.parametrize("name", [name for name in data.DATASETS if name != "image-folder"])
def test_the_status_says_what_load_gives(name, tmp_path, monkeypatch):
    if name == "cifar10":
        write_cifar10(tmp_path / data._FOLDER[name], monkeypatch)
    elif name == "fashion-mnist":
        write_idx(tmp_path / data._FOLDER[name])
    elif name == "mnist":
        folder = write_idx(tmp_path / data._FOLDER[name])
        monkeypatch.setattr(files, "MNIST_SHA256", {p.name: files.checksum(p) for p in folder.iterdir()})
    status, loaded = data.status(name, root=tmp_path), data.load(name, root=tmp_path)
    assert status.state == "present"
    assert (status.n_train, status.n_test, status.n_classes) == (
        len(loaded.train_y),
        len(loaded.test_y),
        len(loaded.classes),
    )
