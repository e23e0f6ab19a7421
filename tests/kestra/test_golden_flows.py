"""Every golden flow, of every case and strategy, is one that Kestra accepts without a word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kestra.harness.values import Kestra

EXPECTED = Path(__file__).parents[1] / "golden" / "expected"
KUBERNETES = "io.kestra.plugin.ee.kubernetes.runner.Kubernetes"
"""An Enterprise plugin: the open-source engine does not know it."""


def test_golden_flows_are_accepted(kestra: Kestra) -> None:
    flows = {path: path.read_text(encoding="utf-8") for path in sorted(EXPECTED.rglob("_flows/*.yaml"))}
    flows = {path: text for path, text in flows.items() if KUBERNETES not in text}
    assert len(flows) > 20
    verdicts = {path: kestra.validate(text) for path, text in flows.items()}
    assert {str(path.relative_to(EXPECTED)): found for path, found in verdicts.items() if not found.clean} == {}
