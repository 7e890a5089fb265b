"""`crisis-sim doctor`: whether all that Crisis Sim needs is here."""

from __future__ import annotations

from crisis_sim.cli.app import Json, app
from crisis_sim.cli.codes import CHECK_FAILED, DONE
from crisis_sim.cli.talk import print_json, say


@app.command
def doctor(*, as_json: Json = False) -> int:
    """Say whether all that Crisis Sim needs is here and works."""
    from crisis_sim.doctor import examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            say(f"{'ok    ' if finding.ok else 'FAILED'}  {finding.name}: {finding.detail}")
    if as_json:
        print_json([vars(finding) for finding in findings])
    return DONE if all(finding.ok for finding in findings) else CHECK_FAILED
