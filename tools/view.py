"""A run for people: the stream of events of a campaign as text."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from wireproof.tools.marks import Marks

Event = dict[str, Any]

ORDER = ("pass", "fail", "error", "xfail", "xpass", "unlisted", "inconclusive", "unsupported", "skipped")
LADDER = 24
"""A longer test is shown by its last steps."""
SHOWN = 3
"""Other tests of a group that are named."""


class View:
    """Prints a run: the header at once, the rest when the summary comes."""

    def __init__(self, marks: Marks, verbose: bool = False, home: Path | None = None):
        self.marks = marks
        self.verbose = verbose
        self.home = home
        self.echo = marks.echo
        self.plan: Event = {}
        self.results: list[Event] = []

    def __call__(self, event: Event) -> None:
        match event["event"]:
            case "plan":
                self.plan = event
                for line in header(event):
                    self.echo(line)
            case "result":
                self.results.append(event)
            case "summary":
                self.summary(event)

    def summary(self, event: Event) -> None:
        self.echo()
        self.states()
        self.failures()
        self.known()
        self.surprises(event)
        self.undecided()
        self.echo()
        for line in result_lines(event):
            self.echo(line)

    # ---- parts ----------------------------------------------------------------------------------------------------

    def states(self) -> None:
        """A line for each state with the counts of what happened there."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for r in self.results:
            counts[r["state"] or "(any state)"][look(r)] += 1
        for state in sorted(counts, key=_state_order):
            cells = "  ".join(f"{self.marks[v]} {counts[state][v]}" for v in ORDER if counts[state][v])
            self.echo(f"  {state:<14} {cells}")

    def failures(self) -> None:
        """New failures, those with the same rule together."""
        groups: dict[str, list[Event]] = defaultdict(list)
        for r in self.results:
            if look(r) in ("fail", "error"):
                groups[r["rule"] or r["text"]].append(r)
        for _, group in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0])):
            self.failure(sorted(group, key=lambda r: (len(r.get("steps", ())), r["id"])))

    def failure(self, group: list[Event]) -> None:
        first, m = group[0], self.marks
        many = f" · {len(group)} tests" if len(group) > 1 else ""
        self.echo()
        self.echo(f"{m[first['verdict']]} {m.strong(first['rule'] or 'no answer')}{many}   {first['level']}")
        for line in story(first):
            self.echo(f"  {line}")
        self.echo(f"  in {first['id']}   {first.get('cex', '')}")
        for line in ladder(first, m):
            self.echo(f"  {line}")
        rest = group[1:] if self.verbose else group[1 : 1 + SHOWN]
        for r in rest:
            self.echo(f"  also {r['id']}   {r.get('cex', '')}")
        if len(group) - 1 > len(rest):
            self.echo(f"  and {len(group) - 1 - len(rest)} more (-v names them)")
        cex = first.get("cex")
        if cex and self.plan.get("run"):
            target = self.plan["target"]["name"]
            self.echo(
                f"  reproduce  wireproof replay {cex} --target {target}      explain  wireproof cex explain {cex}"
            )
        if first["artefacts"] and self.home is not None:
            self.echo(f"  artefacts  {' '.join(str(self.home / a) for a in first['artefacts'])}")

    def known(self) -> None:
        """Known failures, by the entry that explains them."""
        entries: dict[int, list[Event]] = defaultdict(list)
        for r in self.results:
            if r["overlay"] == "xfail":
                entries[r["entry"]["number"]].append(r)
        if entries:
            total = sum(map(len, entries.values()))
            file = (self.plan.get("baseline") or {}).get("file", "the baseline")
            self.echo()
            self.echo(f"{self.marks['xfail']} {total} known failures, with their reasons in {file}:")
        for _, group in sorted(entries.items()):
            entry = group[0]["entry"]
            self.echo(
                f"  {len(group):>4}  #{entry['number']:<3} {_one_line(entry['seen'] or entry['reason'], self.verbose)}"
            )

    def surprises(self, summary: Event) -> None:
        """What the baseline has wrong."""
        m = self.marks
        for r in self.results:
            if r["overlay"] == "xpass":
                self.echo()
                self.echo(
                    f"{m['xpass']} {r['id']}   XPASS: baseline entry {r['entry']['number']} says that it always fails"
                )
        unlisted = Counter((d[0], d[1]) for r in self.results if r["overlay"] == "unlisted" for d in r["unlisted"])
        for (rule, requirement), n in sorted(unlisted.items()):
            first = next(r["id"] for r in self.results if [rule, requirement] in r.get("unlisted", []))
            self.echo()
            self.echo(
                f"{m['unlisted']} {requirement} is not kept, and the baseline does not list it: {rule} · {n} tests"
            )
            self.echo(f"  in {first}")
        listed = Counter(
            d[1] for r in self.results if r["verdict"] == "pass" and not r["overlay"] for d in r["deviations"]
        )
        if listed:
            self.echo()
            self.echo(
                f"{m['xfail']} known departures from SHOULD: "
                + ", ".join(f"{i} ({n})" for i, n in sorted(listed.items()))
            )
        for entry in summary["stale"]:
            self.echo()
            counts = "this fails the run (--strict)" if summary["strict"] else "only --strict makes this a failure"
            self.echo(
                f"{m['xpass']} stale: baseline entry {entry['number']} ({entry['rule']}) explains nothing; {counts}"
            )

    def undecided(self) -> None:
        """Tests without a verdict, with the reason."""
        for verdict in ("inconclusive", "unsupported"):
            found = [r for r in self.results if r["verdict"] == verdict]
            if found:
                self.echo()
            for r in found if self.verbose else found[:5]:
                self.echo(f"{self.marks[verdict]} {r['id']}   {verdict}: {r['text']}")
            if len(found) > 5 and not self.verbose:
                self.echo(f"  and {len(found) - 5} more {verdict} (-v names them)")


def look(result: Event) -> str:
    """What a result counts as: the overlay where there is one."""
    return str(result["overlay"] or result["verdict"])


def header(plan: Event) -> list[str]:
    """What is run, against what, and how much of it."""
    target = plan["target"]
    clock = "virtual clock" if target["clock"] == "virtual" else f"wall clock, slack {target['slack_us'] // 1000} ms"
    full = f" ({target['full']})" if target["full"] != target["name"] else ""
    lines = [
        f"wireproof {plan['wireproof']} · spec {plan['spec']} ({plan['spec_hash']}) · suite {plan['suite']}",
        f"target {target['name']}{full} · IPv{target['family']} · {clock} · profile {target['profile']}",
    ]
    planned = f"plan {plan['selected']} tests of {plan['of']}"
    if plan["skipped"]:
        planned += f" · {plan['skipped']} skipped: they take minutes, --slow runs them"
    if plan["baseline"]:
        planned += f" · baseline {plan['baseline']['file']} ({plan['baseline']['entries']})"
    return [*lines, planned]


def story(result: Event) -> list[str]:
    """What the rule means, where it comes from, and what was seen instead."""
    lines = []
    if result.get("meaning"):
        lines.append(result["meaning"])
    if result.get("cites"):
        lines.append("; ".join(result["cites"]))
    conjunct = result.get("conjunct")
    named = f" (conjunct '{conjunct}')" if conjunct and f"'{conjunct}'" not in result["text"] else ""
    lines.append(result["text"] + named)
    if result.get("allowed") and "expected" not in result["text"]:
        lines.append("allowed was: " + "; or ".join(result["allowed"]))
    return lines


def ladder(result: Event, marks: Marks) -> list[str]:
    """The steps of a test, the refused one marked."""
    steps = result.get("steps") or []
    lines = []
    hidden = max(0, len(steps) - LADDER)
    if hidden:
        lines.append(f"     ({hidden} steps before)")
    arrows = {"rx": marks["to"], "tx": marks["from"], "call": "call", "tick": "time"}
    before: list[str] = []
    for n, step in enumerate(steps, 1):
        states = step["states"] if step["states"] != before else []
        before = step["states"]
        if n <= hidden:
            continue
        wrong = n == len(steps) and result["kind"] != "missing"
        after = f"  {marks['fail']}" if wrong else f"  {'|'.join(states)}" if states else ""
        lines.append(
            f"  {n:>4}  {step['t'] / 1e6:>9.3f}  {arrows[step['kind']]:<4}  {step['text']:<52}{after}".rstrip()
        )
    if steps and result["kind"] == "missing":
        lines.append(f"        {'':>9}  {marks['from']:<4}  nothing came  {marks['fail']}")
    return lines


def result_lines(summary: Event) -> list[str]:
    """The verdict, the counts, what was not verified, and the exit status."""
    c, o = summary["counts"], summary["overlays"]
    parts = [f"{c['pass']} pass"]
    if summary["new"]:
        parts.append(f"{summary['new']} NEW fail" + (f" ({c['error']} of them errors)" if c["error"] else ""))
    if o["xfail"]:
        parts.append(f"{o['xfail']} xfail")
    if o["xpass"]:
        parts.append(f"{o['xpass']} XPASS")
    if o["unlisted"]:
        parts.append(f"{o['unlisted']} with an unlisted SHOULD")
    if summary["stale"]:
        parts.append(f"{len(summary['stale'])} stale")
    parts += [f"{c[v]} {v}" for v in ("inconclusive", "unsupported", "skipped") if c[v]]
    if summary["not_run"]:
        parts.append(f"{summary['not_run']} not run")
    n, of = summary["not_verified"], summary["selected"]
    share = f"{100 * n / of:.1f} %" if of else "-"
    must = summary["must"]
    tail = f" · run {summary['run']}" if summary["run"] else ""
    verdict = summary["verdict"] + (" · PARTIAL" if summary["partial"] and summary["verdict"] != "PARTIAL" else "")
    return [
        f"RESULT  {verdict} · " + " · ".join(parts),
        f"        NOT VERIFIED {n} of {of} ({share})"
        f" · MUST {must['touched']}/{must['of']} touched, {must['clean']} clean"
        f" · {summary['seconds']:.1f} s{tail} · exit {summary['exit']}",
    ]


_STATES = [
    *("CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"),
    *("CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"),
]


def _state_order(state: str) -> tuple[int, str]:
    return (_STATES.index(state) if state in _STATES else len(_STATES), state)


def _one_line(text: str, whole: bool) -> str:
    text = " ".join(text.split())
    return text if whole or len(text) <= 110 else text[:107].rsplit(" ", 1)[0] + " ..."
