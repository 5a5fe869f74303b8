"""The simulator: a small economy whose documents are delivered as files, to show and to measure detection."""

from sources.simulator.portfolio import Portfolio, PortfolioError, exists, extend, named_schemes, simulate

__all__ = ["Portfolio", "PortfolioError", "exists", "extend", "named_schemes", "simulate"]
