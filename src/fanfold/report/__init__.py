"""A search as one HTML page that needs nothing but a browser."""

from fanfold.report.data import ReportData
from fanfold.report.page import render

__all__ = ["ReportData", "render"]
