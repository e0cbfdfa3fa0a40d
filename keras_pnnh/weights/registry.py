"""The only table of checkpoints, keyed by `<variant>.<tag>`."""

import functools
from pathlib import Path

from keras_pnnh.weights.entry import Metric, WeightsEntry
from keras_pnnh.weights.labels import CIFAR10_LABELS

BUNDLED = Path(__file__).parent / "bundled"

TIMM_RESULTS = (
    "https://github.com/huggingface/pytorch-image-models/blob/"
    "aa4b5850c1543fa488abf260f18390eda46cf85d/results/results-imagenet.csv"
)


FOREIGN = (
    "A published residual network, not trained by this library. ImageNet's "
    "images may be used for research only; what that means for weights is not "
    "settled everywhere."
)


def _cifar10(variant, top1, sha256):
    """A file that the package brings along."""
    name = f"{variant}.cifar10"
    return WeightsEntry(
        filename=f"{name}.weights.h5",
        sha256=sha256,
        classes=10,
        labels=CIFAR10_LABELS,
        image_size=(32, 32),
        data="CIFAR-10 (JPEG copy)",
        limits=(
            "The data is a lossy copy of CIFAR-10 (JPEG, quality 75): figures "
            "are not comparable with those on the original. One seed. For "
            "trying the library and for fine-tuning on small images, not a "
            "product."
        ),
        license="Apache-2.0",
        card=f"weights/{name}/README.md",
        metrics=(
            Metric(
                "top-1 accuracy, %",
                top1,
                "5,000 test images of CIFAR-10 (JPEG copy), one view",
                f"weights/{name}/record.json",
            ),
        ),
    )


def _timm(
    model,
    revision,
    sha256,
    size,
    top1,
    *,
    state_dict,
    preprocessing="imagenet",
    crop="0.9",
    limits=FOREIGN,
):
    """A residual network that timm publishes."""
    repo_id = f"timm/{model}"
    return WeightsEntry(
        filename="model.safetensors",
        sha256=sha256,
        classes=1000,
        labels=(),
        image_size=(224, 224),
        data="ImageNet-1k",
        limits=limits,
        license="Apache-2.0",
        card=f"https://huggingface.co/{repo_id}",
        repo_id=repo_id,
        revision=revision,
        size=size,
        preprocessing=preprocessing,
        internal_path="pass_through",
        state_dict=state_dict,
        metrics=(
            Metric(
                "top-1 accuracy, %",
                top1,
                f"ImageNet-1k validation, 224 pixels, crop {crop}, bicubic",
                TIMM_RESULTS,
            ),
        ),
    )


_resnet = functools.partial(_timm, state_dict="resnet", crop="0.95")
_mobilenet = functools.partial(_timm, state_dict="mobilenet_v2", crop="0.875")
_vit = functools.partial(_timm, state_dict="vit", preprocessing="symmetric")
_deit = functools.partial(_timm, state_dict="vit")
_FROM_IN21K = f"Trained on ImageNet-21k before. {FOREIGN}"

WEIGHTS = {
    **{
        f"{variant}.cifar10": _cifar10(variant, top1, sha256)
        for variant, top1, sha256 in (
            (
                "plain_resnet20",
                87.06,
                "200f1b43e49b46d7647d5d7b9f864fe1180a4cd11e8f393bedada941a9f1b13b",
            ),
            (
                "plain_wide11",
                91.10,
                "8f6121d7005331c40873e561c433d5348a31f0c373e31ae3991ec2b099265f0e",
            ),
            (
                "plain_wide11_small",
                89.48,
                "910f5c4e8d7348da1f53365ad22f9bf9e0b844c2f2ed0eb87c59cdeb300b1f30",
            ),
        )
    },
    "plain_resnet18.imagenet": _resnet(
        "resnet18.a1_in1k",
        "ebd61f9c7420e5b5b53262b8ce6bbe311e1e872a",
        "80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612",
        46_807_446,
        71.504,
    ),
    "plain_resnet34.imagenet": _resnet(
        "resnet34.a1_in1k",
        "0e8757122c4c09b15fb9300c0fd09b3fe89e28bf",
        "829a220f9529d2b1ffdc8719d3273463001e0daf411eaf1916865d9db62c0ed2",
        None,
        76.420,
    ),
    "plain_resnet50.imagenet": _resnet(
        "resnet50.a1_in1k",
        "5d9e13b8fdab4d9718bcf2c8f5c3af01878367e8",
        "773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb",
        102_469_840,
        80.382,
    ),
    "plain_resnet101.imagenet": _resnet(
        "resnet101.a1_in1k",
        "e95c1e3e7cdcc0637817ecc79658817e6dc441bc",
        "1ba5b660e7c175b3c27c557fc7dc8b2815be830c516815b0155f61b403f27380",
        None,
        81.494,
    ),
    "plain_resnet152.imagenet": _resnet(
        "resnet152.a1_in1k",
        "449ee9bfaea31586d09a7e686b5932e9d1272ec6",
        "5a3518da3d35ee04e77a5e69289cff55c3a07a732d7287f6cab20bd4d330eda9",
        None,
        81.998,
    ),
    "plain_mobilenet_v2_100.imagenet": _mobilenet(
        "mobilenetv2_100.ra_in1k",
        "f3ff81ba89de0bc46b546568ebeab2edef6b9d49",
        "55ea4fb3a96010b933710ebf44fc965b070d5cd054d3f35e44f2d1320b4a714e",
        14_184_144,
        72.910,
    ),
    "plain_mobilenet_v2_140.imagenet": _mobilenet(
        "mobilenetv2_140.ra_in1k",
        "008fa2eb59c0080738c65898a7666059e11c0a75",
        "7cf3adc9931d132b0629481082a7b3fd2092139e355e89718da151ef50857c2f",
        24_655_288,
        76.528,
    ),
    "plain_vit_tiny16.imagenet": _vit(
        "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
        "7d3afdd0cf93ad84d986eb2d6bcc5812ebd0b106",
        "fecf81b492bd13ee7a5297cb74d1d417aac8bf7e1b7d96aed89c4691984587ed",
        None,
        75.452,
        limits=_FROM_IN21K,
    ),
    "plain_vit_small16.imagenet": _vit(
        "vit_small_patch16_224.augreg_in21k_ft_in1k",
        "7e2c55630205e1266030f18370f4c6ed1a514b52",
        "79c03c635cdfd798a364a9d8c4e5c0b7255b975ea2c9616046d4f77ab01435aa",
        88_216_496,
        81.402,
        limits=_FROM_IN21K,
    ),
    "plain_vit_base16.imagenet": _vit(
        "vit_base_patch16_224.augreg_in1k",
        "458542882691a06a8b667c6fb5fe5c9573093a81",
        "678a1ce471be7da9822fe2508497a5bcf6da4c6802053151b232ba88a42c21a2",
        None,
        79.154,
    ),
    "plain_vit_tiny16.imagenet_deit": _deit(
        "deit_tiny_patch16_224.fb_in1k",
        "457c7aea80b608b44786bd3193556c727028bd6d",
        "21d4764d94f6c3ffdb6da3581115a0a1ee2d505537d96883b540e54766407c9e",
        22_883_348,
        72.190,
    ),
    "plain_vit_small16.imagenet_deit": _deit(
        "deit_small_patch16_224.fb_in1k",
        "91327a9c99f98fe6b524cd4d397b7226b80e1365",
        "1e747b4a8d0df2cfbd3c450e8c97685d867448ab0c2ddbfb34b6885f5cb23e5b",
        88_216_496,
        79.856,
    ),
    "plain_vit_base16.imagenet_deit": _deit(
        "deit_base_patch16_224.fb_in1k",
        "b78cc5532a69df6bcad9c3a8d76653fd20b31ac6",
        "cd2da27b74ed7f68b599f16c77af3e1e80f01c75f9ad96029d22ce747a247e8e",
        346_284_714,
        81.980,
    ),
}


def list_weights() -> list[str]:
    """Names `<variant>.<tag>` of all checkpoints, sorted.

    Example:

    >>> from keras_pnnh import list_weights
    >>> "plain_resnet20.cifar10" in list_weights()
    True
    """
    return sorted(WEIGHTS)


def list_bundled() -> list[str]:
    """Those of `list_weights()` whose files come with the package."""
    return [name for name in list_weights() if WEIGHTS[name].repo_id is None]
