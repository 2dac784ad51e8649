"""Differences for people, and as plain data: of two profiles, two targets, two recorded runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wireproof.conformance import evidence, records
from wireproof.conformance.spec_diff import Difference, Gap, Search, other_side
from wireproof.conformance.target_diff import Comparison, Divergence, seen
from wireproof.tools.marks import Marks
from wireproof.tools.view import ladder

SHOWN = 20
"""Differences that are listed unless all are asked for."""

# ---- profiles ------------------------------------------------------------------------------------------------------


def difference_facts(d: Difference) -> dict[str, Any]:
    """One trace that tells two profiles apart, in words."""
    oracle = d.tester.oracle
    told = evidence.told(d.refusal, oracle)
    rule = evidence.rules().get(d.rule)
    does, other = first_apart(seen(oracle), seen(other_side(d)))
    return {
        "does": d.does,
        "refuses": d.refuses,
        "rule": d.rule,
        "by_parameter": d.by_parameter,
        "meaning": rule.meaning if rule is not None else "",
        "cites": rule.cites if rule is not None else [],
        "stimuli": d.names,
        "steps": d.steps,
        "choices": [sorted(other) for _, other in d.path],
        "kind": d.refusal.kind,
        "refused_by": d.refusal.rule,
        "text": d.refusal.text,
        "allowed": told["allowed"],
        "does_itself": {d.does: does, d.refuses: other},
        "ladder": told["steps"],
    }


def first_apart(one: list[Any], two: list[Any]) -> tuple[str, str]:
    """What two runs showed after the first stimulus at which they differ."""
    for x, y in zip(one, two, strict=False):
        if x != y:
            return ", ".join(x.outcomes) or "nothing", ", ".join(y.outcomes) or "nothing"
    return "the same", "the same"


def spec_facts(a: str, b: str, between: Gap, found: Search, spec_hash: str, code: int) -> dict[str, Any]:
    return {
        "a": f"spec:{a}",
        "b": f"spec:{b}",
        "spec_hash": spec_hash,
        "rules": list(between.rules),
        "params": [{"name": n, "a": x, "b": y} for n, x, y in between.params],
        "differences": [difference_facts(d) for d in found.differences],
        "searched": {"steps": found.steps, "traces": found.tried, "exhausted": found.exhausted},
        "exit": code,
    }


def spec_lines(facts: dict[str, Any], m: Marks, every: bool) -> Iterator[str]:
    """Two profiles: what the text has differently, and the traces that show it."""
    a, b = facts["a"], facts["b"]
    yield f"{a} and {b} · spec tcp ({facts['spec_hash']})"
    if not facts["rules"] and not facts["params"]:
        yield "same: the text has no rule and no parameter that only one of them has"
        return
    params = ", ".join(p["name"] for p in facts["params"])
    yield f"the text: {len(facts['rules'])} rules that only one has, {len(facts['params'])} parameters that differ"
    if params:
        yield f"parameters: {params}"
    shown = facts["differences"] if every else facts["differences"][:1]
    for n, d in enumerate(shown):
        yield ""
        title = "shortest distinguishing trace" if n == 0 else "trace"
        yield f"{m['fail']} {title}: {steps(len(d['steps']))} · {m.strong(d['rule'])}"
        yield from (f"  {line}" for line in _reason(d))
        yield from (f"  {line}" for line in ladder({"steps": d["ladder"], "kind": d["kind"]}, m))
        for who, what in d["does_itself"].items():
            yield f"  {who} does: {what}"
        yield f"  {d['refuses']} refuses it: {d['text']}"
        if d["allowed"] and d["kind"] != "missing":
            yield f"  {d['refuses']} requires: {'; or '.join(d['allowed'])}"
    yield from _unshown(facts, every)


def steps(n: int) -> str:
    return f"{n} step{'s' * (n != 1)}"


def _reason(d: dict[str, Any]) -> Iterator[str]:
    if d["meaning"]:
        yield d["meaning"]
    if d["cites"]:
        yield "; ".join(d["cites"])
    if d["by_parameter"]:
        yield "both profiles have this rule: a parameter makes the difference"
    chosen = sorted({c for step in d["choices"] for c in step})
    if chosen:
        yield f"with the choice {', '.join(chosen)} made the other way"


def _unshown(facts: dict[str, Any], every: bool) -> Iterator[str]:
    searched = facts["searched"]
    told = {d["rule"] for d in facts["differences"]}
    left = [r for r in facts["rules"] if r not in told]
    yield ""
    if every and left:
        yield f"not told apart within {steps(searched['steps'])}, which is no proof: {', '.join(left)}"
    if not facts["differences"]:
        yield f"not told apart within {steps(searched['steps'])}: this is no proof that they are the same"
    elif not every and len(facts["differences"]) > 1:
        yield f"{len(facts['differences']) - 1} more as short or for other rules (--all shows one for each rule)"
    cut = "" if searched["exhausted"] else " · states were left out (--max-states)"
    yield f"{searched['traces']} traces tried, of up to {steps(searched['steps'])}{cut} · exit {facts['exit']}"


# ---- targets -------------------------------------------------------------------------------------------------------


def target_facts(a: str, b: str, found: Comparison, code: int) -> dict[str, Any]:
    return {
        "a": f"target:{a}",
        "b": f"target:{b}",
        "agree": len(found.agree),
        "differ": [divergence_facts(d) for d in found.differ],
        "blame": dict(sorted(Counter(d.blame for d in found.differ).items())),
        "undecided": [{"id": i, "reason": why} for i, why in found.undecided],
        "exit": code,
    }


def divergence_facts(d: Divergence) -> dict[str, Any]:
    one, two = (seen(r.oracle) for r in d.reports if r.oracle is not None)
    before = [{"stimulus": s.stimulus, "outcomes": s.outcomes} for s in one[: d.step - 1]]
    return {
        "id": d.case.id,
        "step": d.step,
        "stimulus": d.stimulus,
        "a": d.a,
        "b": d.b,
        "blame": d.blame,
        "rules": {"a": d.rules[0], "b": d.rules[1]},
        "texts": {w: r.refusal.text if r.refusal else "" for w, r in zip("ab", d.reports, strict=True)},
        "before": before,
        "steps": d.case.steps,
    } | ({} if len(two) >= d.step else {"b_ended": True})


def target_lines(facts: dict[str, Any], m: Marks, every: bool) -> Iterator[str]:
    """Two targets: how often they agree, whom the specification blames, the shortest first and in full."""
    a, b = facts["a"].partition(":")[2], facts["b"].partition(":")[2]
    names = {"A wrong": f"{a} wrong", "B wrong": f"{b} wrong"}
    parts = [f"{names.get(w, w)} {n}" for w, n in facts["blame"].items()]
    differ = facts["differ"]
    of = f" · of which the specification finds: {', '.join(parts)}" if parts else ""
    undecided = f" · undecided {len(facts['undecided'])}" if facts["undecided"] else ""
    yield f"{facts['a']} and {facts['b']} · agree {facts['agree']} · differ {len(differ)}{of}{undecided}"
    if differ:
        yield ""
        yield from _shortest(differ[0], a, b, names)
    yield from _others(differ[1:], a, b, names, m, every)
    for u in facts["undecided"] if every else facts["undecided"][:5]:
        yield f"{m['inconclusive']} {u['id']}   {u['reason']}"
    yield f"exit {facts['exit']}"


def _others(
    differ: list[dict[str, Any]], a: str, b: str, names: dict[str, str], m: Marks, every: bool
) -> Iterator[str]:
    """The other tests; those that differ in the same way are told by the first of them, unless all are asked for."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for d in differ:
        way = (d["blame"], d["stimulus"], d["a"], d["b"], *((d["id"],) if every else ()))
        groups.setdefault(way, []).append(d)
    shown = list(groups.values())
    for group in shown if every else shown[:SHOWN]:
        d = group[0]
        mark = m["xfail" if d["blame"] == "both allowed" else "fail" if "wrong" in d["blame"] else "inconclusive"]
        more = f" · and {len(group) - 1} more" if len(group) > 1 else ""
        yield f"{mark} {d['id']}   {names.get(d['blame'], d['blame'])}{more}"
        yield f"    {d['step']}  {d['stimulus']}:  {a} {d['a']} | {b} {d['b']}"
    hidden = sum(len(g) for g in shown[SHOWN:])
    if hidden and not every:
        yield f"and {hidden} more, which differ in {len(shown) - SHOWN} other ways (--all names every one)"


def _shortest(d: dict[str, Any], a: str, b: str, names: dict[str, str]) -> Iterator[str]:
    yield f"shortest: {d['id']}   {names.get(d['blame'], d['blame'])}"
    for n, s in enumerate(d["before"], 1):
        if s["stimulus"] != "start" or s["outcomes"]:
            yield f"  {n:>3}  {s['stimulus']:<40} both  {', '.join(s['outcomes']) or 'nothing'}"
    width = max(len(a), len(b))
    yield f"  {d['step']:>3}  {d['stimulus']}"
    yield f"       {a:<{width}}  {d['a']}"
    yield f"       {b:<{width}}  {d['b']}"
    for who, rule, text in ((a, d["rules"]["a"], d["texts"]["a"]), (b, d["rules"]["b"], d["texts"]["b"])):
        if rule:
            found = evidence.rules().get(rule)
            cites = f" ({'; '.join(found.cites)})" if found is not None and found.cites else ""
            yield f"  {who} breaks {rule}{cites}: {text}"
    yield ""


# ---- recorded runs -------------------------------------------------------------------------------------------------


@dataclass(slots=True, frozen=True)
class Change:
    """One test whose result is not what it was: ``new``, ``fixed``, ``changed``, ``only in A`` or ``only in B``."""

    what: str
    id: str
    a: str
    b: str


def run_changes(a: records.Run, b: records.Run) -> list[Change]:
    """What changed from one recorded run to another, by test id."""
    one, two = ({r["id"]: r for r in run.results} for run in (a, b))
    out = []
    for test in sorted(one.keys() | two.keys()):
        x, y = one.get(test), two.get(test)
        if x is None or y is None:
            out.append(Change("only in B" if x is None else "only in A", test, _result(x), _result(y)))
        elif (x["verdict"], x["rule"]) != (y["verdict"], y["rule"]):
            bad = [r["verdict"] in ("fail", "error") for r in (x, y)]
            what = "changed" if bad[0] == bad[1] else "new" if bad[1] else "fixed"
            out.append(Change(what, test, _result(x), _result(y)))
    return out


def _result(r: dict[str, Any] | None) -> str:
    return "-" if r is None else f"{r['verdict']} {r['rule']}".strip()
