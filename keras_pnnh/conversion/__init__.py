"""From the form a network is trained in to the form it is deployed in."""

from keras_pnnh.conversion.audit import audit
from keras_pnnh.conversion.audit_report import AuditReport, compare
from keras_pnnh.conversion.fold import fold

__all__ = ["AuditReport", "audit", "compare", "fold"]
