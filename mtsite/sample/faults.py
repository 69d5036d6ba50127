"""What goes wrong in the sample teams: what the rows then say, and the lines of the failing log."""

from collections.abc import Mapping

from mtsite.sample.spec import Fault

_DONE = "COMPLETED"

_CHIP: Mapping[str, Fault] = {
    "fma_rounding": Fault(
        _DONE,
        "FAIL",
        (
            "UVM_INFO tb/fpu_seq.sv(131) @ 418220: uvm_test_top.env.seq [SEQ] class 17 of 60",
            "UVM_ERROR tb/fpu_scoreboard.sv(204) @ 418350: uvm_test_top.env.sb [FMA]"
            " rounding mismatch rne: expected 0x3ff00000_00000001 got 0x3ff00000_00000000",
            "UVM_ERROR tb/fpu_scoreboard.sv(204) @ 418410: uvm_test_top.env.sb [FMA]"
            " rounding mismatch rtz: expected 0x7fefffff_ffffffff got 0x7ff00000_00000000",
            "UVM_INFO tb/fpu_scoreboard.sv(260) @ 419000: uvm_test_top.env.sb [SB]"
            " {number} vectors compared, 2 differ",
        ),
    ),
    "boot_hang": Fault(
        _DONE,
        "FAIL",
        (
            "UVM_FATAL tb/boot_watchdog.sv(58) @ 9000000: uvm_test_top.env.wd [WDOG]"
            " no heartbeat from the boot ROM for 2000000 cycles, pc=0x000081f4",
        ),
    ),
    "gcc_undeclared": Fault(
        _DONE,
        "FAIL",
        (
            "src/drv/spi.c: In function 'spi_xfer':",
            "src/drv/spi.c:214:20: error: 'SPI_FIFO_DEPTH' undeclared (first use in this function);"
            " did you mean 'SPI_FIFO_WIDTH'?",
            "  214 |     while (level < SPI_FIFO_DEPTH) {{",
            "      |                    ^~~~~~~~~~~~~~",
            "      |                    SPI_FIFO_WIDTH",
            "src/drv/spi.c:214:20: note: each undeclared identifier is reported only once"
            " for each function it appears in",
            "make[1]: *** [rules.mk:87: build/drv/spi.o] Error 1",
            "make: *** [Makefile:12: all] Error 2",
        ),
    ),
    "pcie_width": Fault(
        _DONE,
        "FAIL",
        (
            "UVM_WARNING tb/pcie_ltssm.sv(412) @ 771204: uvm_test_top.env.rc [LTSSM]"
            " lane 6 polarity unresolved",
            "UVM_ERROR tb/pcie_ltssm.sv(437) @ 772960: uvm_test_top.env.rc [LTSSM]"
            " link trained to x4, expected x8 (item {item})",
        ),
        measure="timing",
    ),
    "lint_width": Fault(
        _DONE,
        "FAIL",
        (
            "rtl/noc/router.sv(318): ERROR [WIDTH] assignment truncates 40 bits to 32: 'flit_q'",
            "rtl/noc/router.sv(331): ERROR [WIDTH] assignment truncates 40 bits to 32: 'flit_d'",
        ),
    ),
    "cdc_waived": Fault(
        _DONE,
        "WAIVED",
        ("rtl/pmu/reset.sv(77): ERROR [CDC_ASYNC] por_n crosses clk_ref -> clk_core unguarded",),
        comment="waived by psharma: async reset by design, ticket #4112 <cdc>",
    ),
    "cdc_warn": Fault(
        _DONE,
        "WARN",
        ("rtl/usb/phy_if.sv(142): WARNING [CDC_GLITCH] combinational path before synchroniser",),
        comment="WARN: 1 new crossing",
    ),
    "ddr_eye": Fault(
        _DONE,
        "FAIL",
        (
            "UVM_ERROR tb/ddr_eval.sv(96) @ 2210400: uvm_test_top.env.eval [EYE]"
            " eye height {value} mV below limit 104 mV at rank 1",
        ),
        measure="height",
    ),
    "killed": Fault(
        "KILLED", "KILLED", ("Terminated by signal 15 on {host}",), comment="killed by mwong"
    ),
    "signalled": Fault(
        "INCOMPLETE",
        "KILLED",
        ("xmsim: *F,SIGUSR: process {number} received SIGKILL (out of memory on {host})",),
        comment="process got signal 9, test did not finish",
    ),
    "found_dead": Fault(_DONE, "DEAD", (), comment="Test failed to complete"),
    "aborted": Fault(
        _DONE,
        "ABORT",
        (
            "UVM_FATAL tb/dma_env.sv(33) @ 0: uvm_test_top.env [CFG]"
            " register model is not built, aborting",
        ),
        comment="ABORT: register model missing, see __init__ of dma_env",
    ),
    "no_licence": Fault(
        _DONE,
        "ABORT",
        (
            "checkout of feature SignOff_STA from licsrv1:5280 ...",
            "FATAL: no licence for feature SignOff_STA (4 of 4 in use), giving up after 600 s",
        ),
        comment="ABORT: no licence of the sign-off tool",
    ),
    "cover_point": Fault(
        _DONE,
        "CHECK",
        ("WARNING cover point noc.router.vc3_full vanished since last night",),
        comment="CHECK: cover point vanished, somebody should look (3*4*5 grid)",
    ),
    "no_news": Fault(_DONE, "SKIP", ("nothing to merge, skipping",)),
    "power_leak": Fault(
        _DONE,
        "FAIL",
        ("ERROR: leakage {value} mW is out of 12.5 mW +- 1.5 mW at 85 °C",),
        measure="leakage",
    ),
    "noc_timeout": Fault(
        _DONE,
        "FAIL",
        (
            "UVM_ERROR tb/noc_scoreboard.sv(152) @ {number}0: uvm_test_top.env.sb [TIMEOUT]"
            " flit {number} from (1,3) to (0,2) not delivered within 4096 cycles",
        ),
    ),
}

_WEB: Mapping[str, Fault] = {
    "migration_unique": Fault(
        _DONE,
        "FAIL",
        (
            "Traceback (most recent call last):",
            '  File "tools/migrate.py", line 88, in upgrade',
            "    step.apply(connection)",
            '  File "migrations/0152_unique_email.py", line 14, in apply',
            '    connection.execute("CREATE UNIQUE INDEX users_email ON users (lower(email))")',
            "psycopg.errors.UniqueViolation: could not create unique index"
            ' "users_email": Key (lower(email))=(anna@shop.example) is duplicated.',
            "Aborting early",
        ),
    ),
    "migration_slow": Fault(
        _DONE,
        "FAIL",
        (
            "FAILURE - Migration 147->148 took {value} s, allowed are 30 s",
            "Return code from test script was non-zero (1)",
        ),
        measure="slowest",
    ),
    "key_error": Fault(
        _DONE,
        "FAIL",
        (
            "=================================== FAILURES ===================================",
            "___________________________ test_invoice_with_discount _________________________",
            "    def test_invoice_with_discount():",
            "        cart = Cart([Line('tea', 3), Line('cup', 4)])",
            ">       assert invoice(cart, code='AUTUMN').total == 60",
            "packages/billing/tests/test_invoice.py:41:",
            "_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _",
            "packages/billing/invoice.py:118: in invoice",
            "    rate = RATES[code]",
            "E   KeyError: 'AUTUMN'",
            "FAILED packages/billing/tests/test_invoice.py::test_invoice_with_discount - KeyError",
        ),
    ),
    "import_error": Fault(
        _DONE,
        "FAIL",
        (
            "==================================== ERRORS ====================================",
            "________________ ERROR collecting packages/search/tests/test_rank.py ____________",
            "packages/search/tests/test_rank.py:3: in <module>",
            "    from search.rank import bm25",
            "packages/search/rank.py:7: in <module>",
            "    import sqlite_fts",
            "E   ModuleNotFoundError: No module named 'sqlite_fts'",
        ),
    ),
    "assert_total": Fault(
        _DONE,
        "FAIL",
        (
            "Traceback (most recent call last):",
            '  File "tests/integration/test_refund.py", line 63, in test_partial_refund',
            "    assert order.paid == order.total - refund.amount",
            "AssertionError: 1799 != 1800 (order {number}, rounding of 3*4*5 %)",
        ),
    ),
    "deadlock": Fault(
        _DONE,
        "FAIL",
        (
            "Traceback (most recent call last):",
            '  File "tests/integration/conftest.py", line 29, in place_order',
            "    session.commit()",
            '  File ".venv/lib/python3.11/site-packages/sqlalchemy/orm/session.py",'
            " line 2028, in commit",
            "    trans.commit(_to_root=True)",
            "sqlalchemy.exc.OperationalError: (psycopg.errors.DeadlockDetected) deadlock detected",
            "DETAIL:  Process {number} waits for ShareLock on transaction 81723; blocked by 4410.",
        ),
    ),
    "browser_timeout": Fault(
        _DONE,
        "FAIL",
        (
            "E   playwright._impl._errors.TimeoutError: Locator.click: Timeout 30000ms exceeded.",
            'E   waiting for get_by_role("button", name="Pay now")',
            "tests/e2e/test_buy.py:57: TimeoutError",
        ),
    ),
    "no_space_build": Fault(
        _DONE,
        "FAIL",
        (
            "ERROR: failed to solve: write layer {number}: no space left on device",
            "build stopped on {host}",
        ),
    ),
    "lint_colour": Fault(
        _DONE,
        "FAIL",
        (
            "\x1b[1mpackages/auth/tokens.py\x1b[0m:\x1b[33m88\x1b[0m:5:"
            " \x1b[1;31merror\x1b[0m: Incompatible return value type"
            ' (got "str | None", expected "str")  \x1b[2m[return-value]\x1b[0m',
            "\x1b[1;31mFound 1 error in 1 file (checked 214 source files)\x1b[0m",
        ),
    ),
    "latency": Fault(
        _DONE,
        "FAIL",
        ("ERROR: p95 latency {value} ms, expected 180 ms +- 45 ms",),
        measure="p95",
    ),
    "aborted_load": Fault(
        _DONE,
        "ABORT",
        ("FATAL: traffic recording is 0 bytes, nothing to replay",),
        step=0,
        comment="ABORT: no recording",
    ),
    "oom": Fault(
        _DONE,
        "FAIL",
        (
            "{stamp} {host} kernel: Out of memory: Killed process {number} (gunicorn)"
            " total-vm:4182044kB, anon-rss:3911200kB",
            "{stamp} {host} systemd[1]: shop-web.service: Main process exited, code=killed,"
            " status=9/KILL",
            "{stamp} {host} systemd[1]: shop-web.service: Failed with result 'oom-kill'.",
        ),
    ),
    "dead_link": Fault(
        _DONE,
        "WARN",
        ("\x1b[33mWARNING\x1b[0m manual/shipping.md:12: https://carrier.example/api answers 503",),
        comment="WARN: 1 link answers slowly or not at all",
    ),
    "advisory_waived": Fault(
        _DONE,
        "WAIVED",
        ("\x1b[31mERROR\x1b[0m urlparse-fast 0.9.1: advisory DEMO-2026-0042 (high), no fix yet",),
        comment="waived by jo until 0.9.2 is out: we don't parse foreign URLs",
    ),
    "untranslated": Fault(
        _DONE,
        "FAIL",
        ("\x1b[31merror\x1b[0m: 3 messages without translation in ja: 送料, 返品, お支払い方法",),
    ),
    "schema_check": Fault(
        _DONE,
        "CHECK",
        ("WARNING: GET /orders answers with field 'giftNote' that the schema does not name",),
        comment="CHECK: new field in GET /orders, on purpose?",
    ),
}

NO_SPACE = "no_space"
BLOCKED = "blocked"

_ANY: Mapping[str, Fault] = {
    NO_SPACE: Fault(
        _DONE,
        "FAIL",
        ("ERROR: cannot write to the run directory on {host}: No space left on device (errno 28)",),
    ),
    BLOCKED: Fault("NOT_STARTED", "PREQ_FAIL"),
}

FAULTS: Mapping[str, Fault] = {**_CHIP, **_WEB, **_ANY}
"""Every fault by its name."""
