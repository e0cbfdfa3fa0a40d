"""Giving weights away: cards, the layout of a repository, push, verify."""
