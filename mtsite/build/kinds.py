"""All kinds of pages that a site is made of."""

from mtsite.pages import (
    area,
    build,
    catalogue,
    cluster,
    coming,
    compare,
    gone,
    grid,
    history,
    host,
    hosts,
    index,
    issues,
    leaving,
    log,
    month,
    names,
    night,
    notfound,
    part,
    push,
    pushes,
    redirect,
    repositories,
    run,
    run_tests,
    search,
    target,
    test,
)

KINDS = (
    *(index, area, target, grid, night, month, history, run, run_tests, test, log, part),
    *(names, redirect, coming, gone, leaving, catalogue, cluster, compare, notfound, host, hosts),
    *(issues, search, repositories, pushes, push, build),
)
"""Whatever one of them is made from has an EDITION and a TEMPLATE."""
