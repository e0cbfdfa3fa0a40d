"""What a network is and costs: skips, depth, multiply-accumulates, memory."""

from keras_pnnh.auditing.audit import audit
from keras_pnnh.auditing.audit_report import AuditReport, compare
from keras_pnnh.auditing.exported_file import FileReport
from keras_pnnh.auditing.memory_figure import plot_memory

__all__ = ["AuditReport", "FileReport", "audit", "compare", "plot_memory"]
