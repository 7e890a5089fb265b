"""A small crisis in a file, which runs in a fraction of a second."""

from __future__ import annotations

from pathlib import Path

QUARREL = """\
title: A quarrel
description: Two states and one agent of each role, for a week.
start: 2025-04-22T00:00+00:00
horizon_days: 10
follow_up_days: 2
states:
  north: {title: Northland, resolve: 0.9, audience: 0.6}
  south: {resolve: {uniform: [0.5, 1.0]}, audience: 0.5}
mediators:
  elder:
    title: the elder
    attention_threshold: {uniform: [0.4, 0.6]}
    trust: {north: 0.6, south: 0.5}
    leverage: {north: 0.3, south: {uniform: [0.2, 0.4]}}
  envoy: {attention_threshold: 0.7, trust: {north: 0.3}}
lenders:
  bank:
    title: a bank
    borrower: south
    conditionality: {uniform: [0, 1]}
    reviews:
      - {at: 2025-04-25T12:00+00:00, amount_usd_bn: 1}
channels:
  line: {trust: {beta: [2, 2]}, opened_by: [north, elder]}
advisers:
  brother: {state: south, attention_threshold: 0.1}
events:
  - {at: 2025-04-22T00:00+00:00, kind: trigger, struck: north, deaths: 40}
behaviour:
  decision: {preparation_days: {lognormal: [2.0, 0.3]}}
"""


def write_quarrel(folder: Path, name: str = "quarrel.yaml") -> Path:
    """The crisis in a file of a folder."""
    path = folder / name
    path.write_text(QUARREL, encoding="utf-8")
    return path
