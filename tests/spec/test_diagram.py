"""The drawn state machine: every edge of the rules and no other, in each format."""

from __future__ import annotations

import copy
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner

from wireproof.spec import ir
from wireproof.spec.backends import diagram, diagram_svg
from wireproof.spec.backends.transitions import Edge, edges
from wireproof.spec.load import load_sources, tcp
from wireproof.spec.source import Source
from wireproof.tools.cli import cli

GOLDEN = Path(__file__).parent / "golden" / "diagram.txt"
MAIN = {
    ("CLOSED", "LISTEN", "OPEN PASSIVE"),
    ("CLOSED", "SYN-SENT", "OPEN ACTIVE / snd SYN"),
    ("LISTEN", "SYN-RECEIVED", "rcv SYN / snd SYN,ACK"),
    ("SYN-SENT", "SYN-RECEIVED", "rcv SYN / snd SYN,ACK"),
    ("SYN-SENT", "ESTABLISHED", "rcv SYN,ACK / snd ACK"),
    ("SYN-RECEIVED", "ESTABLISHED", "rcv ACK"),
    ("SYN-RECEIVED", "FIN-WAIT-1", "CLOSE / snd FIN,ACK"),
    ("ESTABLISHED", "FIN-WAIT-1", "CLOSE / snd FIN,ACK"),
    ("ESTABLISHED", "CLOSE-WAIT", "rcv FIN / snd ACK"),
    ("FIN-WAIT-1", "FIN-WAIT-2", "rcv ACK [fin_acked]"),
    ("FIN-WAIT-1", "CLOSING", "rcv FIN / snd ACK"),
    ("FIN-WAIT-2", "TIME-WAIT", "rcv FIN / snd ACK"),
    ("CLOSING", "TIME-WAIT", "rcv ACK [fin_acked]"),
    ("CLOSE-WAIT", "LAST-ACK", "CLOSE / snd FIN,ACK"),
    ("LAST-ACK", "CLOSED", "rcv ACK [fin_acked]"),
    ("TIME-WAIT", "CLOSED", "TIME-WAIT-END ends"),
}
"""RFC 9293 3.3.2, figure 5, but for SEND in LISTEN, which no sockets interface has."""

Key = tuple[str, str, str]


def keys(found: list[Edge]) -> list[Key]:
    return [(e.source, e.target, e.label) for e in found]


def without(rule: str) -> ir.Model:
    """The specification without one rule."""
    model = copy.deepcopy(tcp())
    for s in model.sections:
        s.rules = [r for r in s.rules if r.id != rule]
    return model


def test_has_the_edges_of_the_rfcs_figure() -> None:
    assert set(keys(edges(tcp()))) >= MAIN


def test_no_edge_that_no_rule_makes() -> None:
    """SYN-RECEIVED never takes a FIN: its fifth step leaves the state or drops the segment."""
    found = keys(edges(tcp()))
    assert len(found) == len(set(found))
    assert not [k for k in found if k[:2] == ("SYN-RECEIVED", "CLOSE-WAIT")]
    assert not [k for k in found if k[0] == "TIME-WAIT" and k[1] != "CLOSED"]
    rules = {r.id for _, r in tcp().rules()}
    assert all(e.rules and set(e.rules) <= rules for e in edges(tcp()))


@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        ("tcp/syn_sent_syn/simultaneous_open", ("SYN-SENT", "SYN-RECEIVED", "rcv SYN / snd SYN,ACK")),
        ("tcp/answer_to_fin/fin_wait_1", ("FIN-WAIT-1", "FIN-WAIT-2", "rcv ACK [fin_acked]")),
        ("tcp/time_wait_over/delete", ("TIME-WAIT", "CLOSED", "TIME-WAIT-END ends")),
    ],
)
def test_an_edge_is_there_because_of_its_rule(rule: str, gone: Key) -> None:
    assert set(keys(edges(tcp()))) - set(keys(edges(without(rule)))) >= {gone}
    assert diagram.text(without(rule)) != diagram.text(tcp())


def test_profiles_choose_rules() -> None:
    old, new = edges(tcp(), "rfc9293"), edges(tcp(), "rfc5961")
    syn = ("ESTABLISHED", "CLOSED", "rcv SYN,ACK / snd RST")
    assert syn in keys(old)
    assert syn not in keys(new)
    with pytest.raises(KeyError, match="rfc0"):
        edges(tcp(), "rfc0")


def test_every_edge_is_placed_once() -> None:
    drawn, listed = diagram.place(tcp())
    placed = [e for d in drawn for e in d.edges] + listed
    assert sorted(keys(placed)) == sorted(keys(edges(tcp())))


def test_what_the_text_shows_is_what_is_placed() -> None:
    """Read back: each arrow's label from its place in the figure, and the list below."""
    text = diagram.text(tcp())
    figure, _, below = text.partition("\nNot drawn above:\n")
    rows = [line.ljust(diagram.WIDTH) for line in figure.split("\n")]
    drawn, listed = diagram.place(tcp())
    for d in drawn:
        x, y = d.route.label
        for n, line in enumerate(d.lines):
            left = x - len(line) + 1 if d.route.right else x
            assert rows[y + n][left : left + len(line)] == line
        said = " ".join(d.lines)
        assert all(e.event in said for e in d.edges)
        assert all(f"snd {s}" in said for e in d.edges for s in e.sends)
    found: list[Key] = []
    for target, label, sources in re.findall(r"-> (\S+): (.*)\n((?: {5}.*\n)+)", below):
        found += [(s.strip(","), target, label) for s in sources.replace("from", "").split()]
    assert sorted(found) == sorted(keys(listed))


def test_nothing_in_the_figure_overlaps() -> None:
    """Boxes, lines and labels each have their own cells; lines cross nowhere."""
    taken: dict[tuple[int, int], str] = {}

    def take(cells: set[tuple[int, int]], who: str) -> None:
        for cell in cells:
            assert cell not in taken, f"{who} and {taken[cell]} at {cell}"
            assert 0 <= cell[0] < diagram.WIDTH
            taken[cell] = who

    for state, corners in diagram.BOXES.items():
        for x, y in corners:
            take({(x + i, y + j) for i in range(diagram.BOX) for j in range(3)}, state)
    for ends, route in diagram.ROUTES.items():
        cells = set()
        for (x1, y1), (x2, y2) in itertools.pairwise(route.points):
            assert x1 == x2 or y1 == y2
            xs, ys = sorted((x1, x2)), sorted((y1, y2))
            cells |= {(x, y) for x in range(xs[0], xs[1] + 1) for y in range(ys[0], ys[1] + 1)}
        take(cells, f"arrow {ends}")
        x, y = route.label
        left = x - route.columns + 1 if route.right else x
        take({(left + i, y + j) for i in range(route.columns) for j in range(route.rows)}, f"label {ends}")


def test_an_edge_without_a_route_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(diagram.ROUTES, ("SYN-RECEIVED", "ESTABLISHED"))
    below = diagram.text(tcp()).partition("Not drawn above:")[2]
    assert "-> ESTABLISHED: rcv ACK\n     from SYN-RECEIVED\n" in below


def test_a_label_without_room_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    route = diagram.ROUTES["SYN-RECEIVED", "LISTEN"]
    monkeypatch.setitem(
        diagram.ROUTES, ("SYN-RECEIVED", "LISTEN"), diagram.Route(route.points, route.label, 14, 1, True)
    )
    drawn, listed = diagram.place(tcp())
    assert ("SYN-RECEIVED", "LISTEN", "rcv SYN") in keys(listed)
    assert ("SYN-RECEIVED", "LISTEN", "rcv RST") in keys([e for d in drawn for e in d.edges])


def test_states_of_another_machine_are_named() -> None:
    """A machine whose states have no place in the figure loses nothing."""
    toy = """machine toy means "A toy."
enum state = IDLE | BUSY
event segment
  field RST : flag
call work()
var STATE : state = IDLE
on call work in IDLE named work
rule begin
  otherwise
  enter BUSY
  return ok
on segment in BUSY named busy
rule reset
  when RST
  enter IDLE
  drop
rule rest
  otherwise
  drop
"""
    model = load_sources([Source("toy.wire", toy)])
    assert keys(edges(model)) == [("IDLE", "BUSY", "WORK"), ("BUSY", "IDLE", "rcv RST")]
    text = diagram.text(model)
    assert "states: IDLE, BUSY" in text
    assert "-> BUSY: WORK\n     from IDLE" in text
    ElementTree.fromstring(diagram_svg.svg(model))


def test_golden() -> None:
    assert diagram.text(tcp(), "ESTABLISHED") == GOLDEN.read_text("utf-8")


def test_highlight_lights_one_state_only() -> None:
    plain, lit = (diagram.text(tcp(), h).split("\n") for h in (None, "CLOSING"))
    assert "#   CLOSING    #" in "\n".join(lit)
    changed = {(x, y) for y, (a, b) in enumerate(zip(plain, lit, strict=True)) for x in range(len(a)) if a[x] != b[x]}
    ((left, top),) = diagram.BOXES["CLOSING"]
    assert changed
    assert all(left <= x < left + diagram.BOX and top <= y < top + 3 for x, y in changed)


def test_svg_is_whole_and_lit() -> None:
    root = ElementTree.fromstring(diagram_svg.svg(tcp(), {"LISTEN", "CLOSED"}))
    groups = {g.get("id"): g for g in root.iter("{http://www.w3.org/2000/svg}g")}
    lit = {i for i, g in groups.items() if "current" in str(g.get("class")).split() and str(i).startswith("state-")}
    assert lit == {"state-LISTEN", "state-CLOSED"}
    assert {f"state-{s}" for s in tcp().enums["state"]} <= set(groups)
    drawn, listed = diagram.place(tcp())
    assert {f"edge-{d.ends[0]}-{d.ends[1]}" for d in drawn} == {i for i in groups if str(i).startswith("edge-")}
    shown = " ".join("".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text"))
    assert all(e.label in shown for e in listed)


def test_mermaid_and_dot_have_every_edge() -> None:
    mermaid, dot = diagram.mermaid(tcp(), "LISTEN"), diagram.dot(tcp(), "LISTEN")
    found = re.findall(r"^  ([A-Z_0-9]+) --> ([A-Z_0-9]+) : (.*)$", mermaid, re.M)
    assert [(a.replace("_", "-"), b.replace("_", "-"), label) for a, b, label in found] == keys(edges(tcp()))
    pairs = re.findall(r'^  "(\S+)" -> "(\S+)" \[label="(.*)"\];$', dot, re.M)
    assert sorted((a, b, x) for a, b, labels in pairs for x in labels.split("\\n")) == sorted(keys(edges(tcp())))
    assert "class LISTEN current" in mermaid
    assert dot.count("filled") == 1


# ---- the command ----------------------------------------------------------------------------------------------------


def run(*argv: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["spec", "diagram", *argv])
    return result.exit_code, result.stdout, result.stderr


def test_command_json_is_lossless() -> None:
    status, out, _ = run("--format", "json", "--highlight", "closing")
    facts = json.loads(out)
    assert (status, facts["lit"], facts["spec_hash"]) == (0, ["CLOSING"], tcp().spec_hash)
    found = [Edge(i["from"], i["to"], i["event"], tuple(i["sends"]), tuple(i["rules"])) for i in facts["items"]]
    assert found == edges(tcp())


def test_command_writes_a_file(tmp_path: Path) -> None:
    status, out, err = run("--format", "svg", "--output", str(tmp_path / "d.svg"))
    assert (status, out) == (0, "")
    assert "wrote" in err
    assert (tmp_path / "d.svg").read_text("utf-8") == diagram_svg.svg(tcp())
    status, _, err = run("--output", str(tmp_path / "none" / "d.svg"))
    assert status == 2
    assert "cannot be written" in err


def test_command_lights_what_a_run_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    where = tmp_path / ".wireproof" / "runs" / "r1"
    where.mkdir(parents=True)
    results = [("LISTEN", "pass"), ("CLOSING", "fail"), ("CLOSE-WAIT", "skipped")]
    lines = [json.dumps({"event": "result", "state": s, "verdict": v}) for s, v in results]
    (where / "results.ndjson").write_text("\n".join(lines) + "\n")
    status, out, _ = run("--format", "json", "--highlight", "r1")
    assert (status, json.loads(out)["lit"]) == (0, ["LISTEN", "CLOSING"])


def test_command_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run("--highlight", "CLOSNG")
    assert (status, out) == (2, "")
    assert "did you mean 'CLOSING'?" in err
    status, out, err = run("--profile", "rfc9239")
    assert (status, out) == (2, "")
    assert "did you mean 'rfc9293'?" in err
