"""Input of the ImageNet examples: TFDS and tf.data, on every backend.

`imagenet2012` of TFDS wants the two archives of the data set in its folder of
manual downloads; tfds.load says where. The smoke makes up a few images.
"""

import numpy as np
import tensorflow as tf


def training_set(options, host=0, hosts=1):
    """Endless batches of this host, and the steps of an epoch.

    Every host reads other images. Where a run was stopped is not kept: a
    resumed one begins with another shuffle.
    """
    images, count = _examples(options, "train")
    images = images.shard(hosts, host)
    images = images.shuffle(16 * options.batch_size, seed=options.seed)
    images = images.repeat()
    images = images.map(
        lambda image, label: (_random_crop(image, options.size), label),
        tf.data.AUTOTUNE,
    )
    images = images.batch(options.batch_size // hosts, drop_remainder=True)
    return images.prefetch(tf.data.AUTOTUNE), count // options.batch_size


def validation_set(options, host=0, hosts=1):
    """Batches in order, the last one filled up with images of weight 0."""
    images, count = _examples(options, "validation")
    images = images.map(
        lambda image, label: (_centre_crop(image, options.size), label, 1.0),
        tf.data.AUTOTUNE,
    )
    missing = -count % options.batch_size
    black = np.zeros((missing, options.size, options.size, 3), "float32")
    nothing = np.zeros(missing, "int64"), np.zeros(missing, "float32")
    filled = tf.data.Dataset.from_tensor_slices((black, *nothing))
    images = images.concatenate(filled) if missing else images
    images = images.shard(hosts, host)
    return images.batch(options.batch_size // hosts).prefetch(tf.data.AUTOTUNE)


def describe(options):
    """Names of the classes and numbers of images, for `save_run`."""
    names = [f"class {number}" for number in range(1000)]
    if not options.smoke:
        names = _builder(options).info.features["label"].names
    return {
        "class_names": names,
        "training_images": _examples(options, "train")[1],
        "validation_images": _examples(options, "validation")[1],
    }


def _examples(options, split):
    """Pairs of JPEG and label, in order, and their number."""
    if options.smoke:
        return _made_up(2 * options.batch_size + 3)
    import tensorflow_datasets as tfds

    builder = _builder(options)
    decoders = {"image": tfds.decode.SkipDecoding()}
    if builder.info.file_format.value == "array_record":
        return _at_random_places(
            builder.as_data_source(split, decoders=decoders)
        )
    examples = builder.as_dataset(
        split=split, decoders=decoders, shuffle_files=False
    )
    pairs = examples.map(lambda each: (each["image"], each["label"]))
    return pairs, builder.info.splits[split].num_examples


def _builder(options):
    import tensorflow_datasets as tfds

    builder = tfds.builder("imagenet2012", data_dir=options.data_dir)
    builder.download_and_prepare()
    return builder


def _at_random_places(source):
    """Pairs of a data source that reads one example as fast as the next."""

    def read(index):
        each = source[int(index)]
        return each["image"], np.int64(each["label"])

    def pair(index):
        types = (tf.string, tf.int64)
        image, label = tf.numpy_function(read, [index], types)
        return tf.ensure_shape(image, ()), tf.ensure_shape(label, ())

    return tf.data.Dataset.range(len(source)).map(pair), len(source)


def _made_up(count):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 1000, count)
    pictures = generator.integers(0, 256, (count, 80, 96, 3), np.uint8)
    files = [tf.io.encode_jpeg(picture).numpy() for picture in pictures]
    return tf.data.Dataset.from_tensor_slices((files, labels)), count


def _random_crop(file, size):
    """A random part of 8 to 100 % of the area, mirrored or not."""
    start, extent, _ = tf.image.sample_distorted_bounding_box(
        tf.io.extract_jpeg_shape(file),
        tf.zeros((1, 0, 4)),
        area_range=(0.08, 1.0),
        aspect_ratio_range=(3 / 4, 4 / 3),
        use_image_if_no_bounding_boxes=True,
    )
    box = tf.concat([start[:2], extent[:2]], axis=0)
    image = tf.io.decode_and_crop_jpeg(file, box, channels=3)
    image = tf.image.resize(image, (size, size))
    return tf.image.random_flip_left_right(image)


def _centre_crop(file, size):
    """The middle square of 7/8 of the shorter edge."""
    shape = tf.io.extract_jpeg_shape(file)
    edge = tf.cast(tf.minimum(shape[0], shape[1]), "float32") * 7 / 8
    edge = tf.cast(edge, "int32")
    box = [(shape[0] - edge) // 2, (shape[1] - edge) // 2, edge, edge]
    image = tf.io.decode_and_crop_jpeg(file, tf.stack(box), channels=3)
    return tf.image.resize(image, (size, size))
