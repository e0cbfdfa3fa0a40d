"""What a device can do at most."""

import difflib

# Dense 16-bit matrix multiplication in TFLOPS, as the vendors' data sheets
# say it, by a part of the device's name; the first that fits counts.
PEAKS = {
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "V100": 125.0,
    "T4": 65.0,
    "TPU v6": 918.0,
    "TPU v5 lite": 197.0,
    "TPU v5e": 197.0,
    "TPU v5": 459.0,
    "TPU v4": 275.0,
}


def peak_of(name: str) -> float | None:
    """TFLOPS of a device in 16 bits, None where it is not known.

    Args:
        name: As the backend or a person calls it, such as
            `"NVIDIA A100-SXM4-80GB"` or `"a100"`.
    """
    for part, peak in PEAKS.items():
        if part.lower() in name.lower():
            return peak
    return None


def nearest(name: str) -> list[str]:
    """Known devices with a name like this one, or all."""
    known = {part.lower(): part for part in PEAKS}
    found = difflib.get_close_matches(name.lower(), known, 3, 0.5)
    return [known[part] for part in found] or list(PEAKS)
