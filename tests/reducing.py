"""Runs that reduce may take, and its rules: what the tests of moving share."""

from areas import BASE, DAY, datum, run, step, test

from mtsite.config import ReduceConfig

NOW = BASE + 100 * DAY
LATER = NOW + 10**9
"""So late that rows which a test changes, and whose last_update is today, are old."""

RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)


def spec(runname, target="ubuntu/nfs", **columns):
    tests = [
        test("compile", steps=[step("build"), step("link", status="1")], status="FAIL"),
        test("regress", items=["fast", "slow/big"], data=[datum("c", "v", value=1.5, tol=">")]),
    ]
    return run(target, runname, tests=tests, **columns)


def named(outcomes):
    return [one.runname for one in outcomes]
