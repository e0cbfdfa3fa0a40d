"""See what happens to the signal inside a network, before and in training."""

from keras_pnnh.analysis import measures
from keras_pnnh.analysis.faults import Fault
from keras_pnnh.analysis.mean_field import predict_survival
from keras_pnnh.analysis.preflight import Preflight, preflight
from keras_pnnh.analysis.probe import Probe
from keras_pnnh.analysis.recorder import RecordSignal
from keras_pnnh.analysis.report import write_report
from keras_pnnh.analysis.signal import (
    LayerSignal,
    SignalReport,
    measure_signal,
)
from keras_pnnh.analysis.survival import (
    LayerSurvival,
    SurvivalReport,
    measure_survival,
)
from keras_pnnh.analysis.taps import Tap, find_taps

__all__ = [
    "Fault",
    "LayerSignal",
    "LayerSurvival",
    "Preflight",
    "Probe",
    "RecordSignal",
    "SignalReport",
    "SurvivalReport",
    "Tap",
    "find_taps",
    "measure_signal",
    "measure_survival",
    "measures",
    "predict_survival",
    "preflight",
    "write_report",
]
