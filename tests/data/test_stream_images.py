import numpy as np
import pytest
from PIL import Image

from keras_pnnh.data import load_images, read_image, stream_images
from keras_pnnh.data.decoding import read_centre, read_crop
from keras_pnnh.data.identity import fingerprints, identify
from keras_pnnh.data.image_files import ImageFiles
from keras_pnnh.data.order import IndexPlan
from keras_pnnh.data.prefetch import PrefetchedCrops


def smooth(seed, height=60, width=80):
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("streamed")
    for label, name in enumerate(("ant", "bee")):
        (root / name).mkdir()
        for index in range(12):
            image = smooth(100 * label + index)
            image.save(root / name / f"{index:02d}.jpg", quality=95)
    return root


@pytest.fixture
def data(folder):
    return stream_images(folder, "train", size=(16, 16), workers=3)


def test_nothing_is_decoded_before_it_is_asked_for(folder, tmp_path):
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"no image")
    data = stream_images(tmp_path, "train", size=(16, 16))
    assert data.images.shape == (2, 16, 16, 3)
    rest, share = data.split(0.0, seed=0)
    assert isinstance(rest.images, ImageFiles)
    with pytest.raises(ValueError, match="1.jpg"):
        data.images[:1]


def test_streamed_images_have_files_and_labels_of_loaded_ones(folder, data):
    loaded = load_images(folder, "train", size=(60, 80))
    exact = stream_images(folder, "train", size=(60, 80))
    assert data.class_names == loaded.class_names
    np.testing.assert_array_equal(data.labels, loaded.labels)
    chosen = np.array([20, 3, 3])
    # Of this size already, they are not resampled.
    np.testing.assert_array_equal(exact.images[chosen], loaded.images[chosen])
    mask = np.arange(24) % 5 == 0
    rest = exact.subset(mask)
    np.testing.assert_array_equal(rest.images[:], loaded.images[mask])
    np.testing.assert_array_equal(rest.labels, loaded.labels[mask])


def test_the_centre_is_seven_eighths_of_the_shorter_side(tmp_path):
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[4:60, 20:76] = 200  # 7/8 of 64, centred
    Image.fromarray(pixels).save(tmp_path / "square.png")
    centre = read_centre(tmp_path / "square.png", (28, 28))
    assert np.abs(centre.astype(int) - 200).max() < 30  # black nowhere
    wider = read_centre(tmp_path / "square.png", (28, 30))
    assert wider[14, 14, 0] > 180 and wider[14, 0, 0] < 50


def test_both_decoders_see_the_same_picture(tmp_path):
    image = smooth(0)
    image.save(tmp_path / "a.jpg", quality=95)
    exif = Image.Exif()
    exif[0x0112] = 1  # upright; whatever it says, Pillow reads the file
    image.save(tmp_path / "b.jpg", quality=95, exif=exif)
    first, second = (
        read_crop(path, (24, 24), 0.5, True, np.random.default_rng(7))
        for path in (tmp_path / "a.jpg", tmp_path / "b.jpg")
    )
    np.testing.assert_allclose(first.astype(int), second, atol=12)


def test_a_turned_file_is_cropped_as_a_viewer_shows_it(tmp_path):
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise: white is on top
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    crop = read_crop(
        tmp_path / "a.jpg", (8, 8), 1.0, False, np.random.default_rng(0)
    )
    assert read_image(tmp_path / "a.jpg").shape == (80, 40, 3)
    assert crop[0].mean() > 200 and crop[-1].mean() < 50


def batches(data, shards, monkeypatch, whole=False, steps=None):
    """Images of every step, and the numbers of those that each shard read."""
    read, images = [], []
    for shard in range(shards):
        seen = []
        files = data.images.subset(np.arange(24))
        crop = files.crop
        monkeypatch.setattr(
            files,
            "crop",
            lambda index, *rest, crop=crop, seen=seen: (
                seen.append(int(index)) or crop(index, *rest)
            ),
        )
        plan = IndexPlan(24, 8, 5, shard, shards)
        crops = PrefetchedCrops(files, plan, 0.3, True, whole, ahead=0)
        wanted = steps or [(0, 0), (0, 1), (0, 2), (1, 0)]
        images.append([crops.take(*step) for step in wanted])
        read.append(seen)
    return images, read


@pytest.mark.parametrize("shards", (2, 4))
def test_each_shard_reads_its_own_images(data, monkeypatch, shards):
    whole, _ = batches(data, 1, monkeypatch)
    parts, read = batches(data, shards, monkeypatch)
    for step, images in enumerate(whole[0]):
        np.testing.assert_array_equal(
            np.concatenate([part[step] for part in parts]), images
        )
    first = [sorted(seen[: 24 // shards]) for seen in read]
    assert sorted(sum(first, [])) == list(range(24))


def test_a_crop_depends_on_seed_epoch_step_and_place_alone(data, monkeypatch):
    whole, _ = batches(data, 1, monkeypatch)
    amid, _ = batches(data, 1, monkeypatch, steps=[(0, 2), (0, 1), (1, 0)])
    np.testing.assert_array_equal(amid[0][0], whole[0][2])
    np.testing.assert_array_equal(amid[0][1], whole[0][1])
    np.testing.assert_array_equal(amid[0][2], whole[0][3])
    ahead = PrefetchedCrops(data.images, IndexPlan(24, 8, 5), 0.3, True)
    for number, step in enumerate([(0, 0), (0, 1), (0, 2), (1, 0)]):
        np.testing.assert_array_equal(ahead.take(*step), whole[0][number])


def test_fingerprints_tell_files_and_nothing_is_decoded(folder, data):
    again = stream_images(folder, "train", size=(8, 8))
    np.testing.assert_array_equal(
        fingerprints(data.images), fingerprints(again.images)
    )
    assert len(set(fingerprints(data.images).tolist())) == 24
    assert identify(data) == identify(again)


@pytest.fixture
def damaged(tmp_path):
    for label, name in enumerate(("ant", "bee")):
        (tmp_path / name).mkdir()
        for index in range(3):
            path = tmp_path / name / f"{index}.jpg"
            smooth(10 * label + index).save(path)
    path = tmp_path / "bee" / "1.jpg"
    path.write_bytes(path.read_bytes()[:700])
    return tmp_path


def test_a_bad_file_is_named_and_the_way_on_told(damaged):
    data = stream_images(damaged, "train", size=(16, 16))
    crops = PrefetchedCrops(data.images, IndexPlan(6, 6), 0.3, True)
    with pytest.raises(ValueError, match=r"bee.1\.jpg'.*`skip_bad`"):
        crops.take(0, 0)


def test_bad_files_are_left_out_named_and_counted(damaged, capsys):
    data = stream_images(damaged, "train", size=(16, 16), skip_bad=True)
    assert len(data.labels) == 5 and len(data.images) == 5
    told = capsys.readouterr().err
    assert "1.jpg" in told and "1 of 6 files" in told
    for path in (damaged / "ant").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="'ant', which has none"):
        stream_images(damaged, "train", size=(16, 16), skip_bad=True)


@pytest.mark.parametrize("read", (load_images, stream_images))
def test_a_url_is_refused(read):
    with pytest.raises(ValueError, match="mount the bucket"):
        read("gs://bucket/images", "train", size=(8, 8))


def test_archives_and_names_are_refused(tmp_path):
    (tmp_path / "images.tar").write_bytes(b"12345")
    with pytest.raises(ValueError, match=r"5 bytes\). Unpack it once"):
        stream_images(tmp_path / "images.tar", "train", size=(8, 8))
    with pytest.raises(FileNotFoundError, match="existing folder"):
        stream_images("imagenet2012", "train", size=(8, 8))
