"""``wireproof demo``: what wireproof does, shown on what is at hand."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections import Counter
from typing import Any

import click

from wireproof.conformance import catalogue, suite
from wireproof.conformance.baseline import DRAWN, BaselineError
from wireproof.conformance.campaign import FAILED, PASSED, Campaign
from wireproof.conformance.mutation import MutantError
from wireproof.conformance.session import IutError
from wireproof.conformance.targets import environment
from wireproof.conformance.testcase import TestCase
from wireproof.spec import load
from wireproof.tools.commands.run import bar, read_suite
from wireproof.tools.marks import Marks, marks
from wireproof.tools.view import ladder, look, story

Event = dict[str, Any]

MUTANTS = ("rst-answered", "reassembly-shifted", "urgent-off-by-one")
KERNEL_TESTS_US = 3_000_000
"""The kernel is asked only what it answers within this time: the demonstration is to take less than a minute. (After
a release it may wait through TIME-WAIT, which the reference need not; a test made for a purpose may wait for what only
stacks with certain habits show.)"""


@click.command()
@click.option("--ascii", "ascii_only", is_flag=True, help="No signs beyond ASCII.")
def demo(ascii_only: bool) -> None:
    """Judge a sound TCP, three broken ones, and (as root) this machine's kernel; under a minute.

    Exit status 0: everything was as it should be. 1: the reference failed a test, a broken stack was not found, or the
    kernel did something that no entry of conformance/targets/linux.toml explains.
    """
    tour = Tour(marks(None, ascii_only))
    cases = read_suite()
    tour.specification()
    tour.reference(cases)
    tour.mutants(cases)
    tour.kernel(cases)
    tour.farewell()
    sys.exit(FAILED if tour.unexpected else PASSED)


class Tour:
    """The stations, each with what was shown."""

    def __init__(self, m: Marks):
        self.marks = m
        self.begun = time.perf_counter()
        self.unexpected: list[str] = []
        self.number = 0

    def say(self, text: str = "") -> None:
        self.marks.echo(text)

    def title(self, text: str) -> None:
        self.number += 1
        self.say(("" if self.number == 1 else "\n") + self.marks.strong(f"{self.number}. {text}"))

    def specification(self) -> None:
        self.title("One text says what a TCP must, should and may do")
        begun = time.perf_counter()
        model = load.tcp()
        rules = [r for _, r in model.rules()]
        levels = Counter(r.level for r in rules)
        ids = {i for r in rules for i in r.ids}
        by_level = ", ".join(f"{n} {level}" for level, n in levels.most_common())
        self.say(f"   {len(rules)} rules compiled in {time.perf_counter() - begun:.1f} s ({by_level}),")
        self.say(f"   for {len(ids)} numbered requirements of RFC 9293; specification {model.spec_hash}.")
        self.say("   From it come a TCP that runs, the judge of any other one, and the tests.")

    def reference(self, cases: list[TestCase]) -> None:
        self.title("The TCP that is generated from it passes all tests")
        summary, _ = self.campaign("ref", cases)
        c = summary["counts"]
        mark = self.marks["pass" if not summary["exit"] else "fail"]
        self.say(
            f"   {mark} ref: {c['pass']} of {len(cases)} tests pass in {summary['seconds']:.1f} s, on a virtual clock."
        )
        if summary["exit"]:
            self.unexpected.append("the reference does not pass: `wireproof run ref` shows why")

    def mutants(self, cases: list[TestCase]) -> None:
        self.title("Three broken ones are found, and the judge says which rule they break")
        for name in MUTANTS:
            kind = catalogue.find(f"mutant:{name}")
            try:
                _, results = self.campaign(kind.name, cases)
            except MutantError as error:
                self.unexpected.append(str(error))
                continue
            failures = sorted((r for r in results if look(r) == "fail"), key=lambda r: (len(r["steps"]), r["id"]))
            self.say(f"\n   {kind.name}: {kind.about}")
            if not failures:
                self.unexpected.append(f"{kind.name} was not found")
                self.say(f"   {self.marks['fail']} NOT FOUND")
                continue
            self.say(f"   {self.marks['pass']} found by {len(failures)} tests; the shortest says:")
            first = failures[0]
            self.say(f"     broken rule: {first['rule']}")
            for line in [*story(first), *ladder(first, self.marks)]:
                self.say(f"     {line}")

    def kernel(self, cases: list[TestCase]) -> None:
        self.title("The same tests, put to the kernel of this machine")
        missing = missing_for_kernel()
        if missing:
            self.say(f"   left out: {missing}; `wireproof doctor` tells more. Nothing else needs root.")
            return
        quick = [
            c for c in cases if c.duration_us <= KERNEL_TESTS_US and "release" not in c.id and not DRAWN.fullmatch(c.id)
        ]
        try:
            summary, results = self.campaign("linux", quick)
        except (IutError, BaselineError, OSError) as error:
            self.unexpected.append(f"linux could not be tested: {error}")
            return
        c = summary["counts"]
        known = [r for r in results if r["overlay"] == "xfail"]
        mark = self.marks["pass" if not summary["exit"] else "fail"]
        self.say(f"   {mark} linux {os.uname().release}: {c['pass']} of {len(quick)} quick tests pass")
        self.say(f"     in {summary['seconds']:.1f} s of real time.")
        entries = {r["entry"]["number"]: r["entry"] for r in known}
        if known:
            self.say(f"   {self.marks['xfail']} {len(known)} fail for {len(entries)} known reasons, for instance:")
            for _, entry in sorted(entries.items())[:2]:
                for line in textwrap.wrap(entry["seen"] or entry["reason"], 100):
                    self.say(f"     {line}")
        if c["inconclusive"]:
            self.say(f"   {self.marks['inconclusive']} {c['inconclusive']} inconclusive: late once, and not again.")
        if summary["exit"]:
            self.unexpected.append(
                f"{summary['new']} tests fail on this kernel, for reasons not known yet: see `wireproof run linux`"
            )

    def farewell(self) -> None:
        self.say()
        for text in self.unexpected:
            self.say(f"{self.marks['fail']} UNEXPECTED: {text}")
        self.say(
            f"That took {time.perf_counter() - self.begun:.0f} s. What you have seen: the judge knows nothing but the"
        )
        self.say("specification, so a stack that it refuses breaks a rule that you can read. Go on with")
        self.say("  wireproof run 'mutant:*'                              every seeded fault must be found")
        self.say(f"  wireproof run mutant:{MUTANTS[0]} state:ESTABLISHED   one fault, in full")
        self.say("  wireproof cex list                                    what failed; then `wireproof cex explain ID`")
        self.say("  wireproof suite list MUST-13                          the tests of a requirement")
        self.say("  wireproof spec show tcp/sequence/unacceptable_reset  a rule itself")

    def campaign(self, name: str, cases: list[TestCase]) -> tuple[Event, list[Event]]:
        """Run cases against a target with its known departures; the summary and the results."""
        kind = catalogue.find(name)
        results: list[Event] = []
        with bar(len(cases), name, None) as step:

            def note(event: Event) -> None:
                if event["event"] == "result":
                    results.append(event)
                    step()

            summary = Campaign(kind, cases, len(suite.load()), kind.baseline(), note).run()
        if summary["partial"]:
            raise KeyboardInterrupt
        return summary, results


def missing_for_kernel() -> str:
    """Why the kernel cannot be tested here; empty when it can."""
    if not sys.platform.startswith("linux"):
        return "this is not Linux"
    for check in environment.probe():
        if not check.ok and check.name in ("privilege", "/dev/net/tun", "network namespace", "kernel target, IPv4"):
            return f"{check.name}: {check.detail}"
    return ""
