"""From the form a network is trained in to the form it is deployed in."""

from keras_pnnh.conversion.audit import audit
from keras_pnnh.conversion.audit_report import AuditReport, compare
from keras_pnnh.conversion.chains import as_sequential, truncate
from keras_pnnh.conversion.fold import fold
from keras_pnnh.conversion.memory_figure import plot_memory
from keras_pnnh.conversion.residual import Certificate, from_residual

__all__ = [
    "AuditReport",
    "Certificate",
    "as_sequential",
    "audit",
    "compare",
    "fold",
    "from_residual",
    "plot_memory",
    "truncate",
]
