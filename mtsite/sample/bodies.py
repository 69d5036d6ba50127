"""The sorts of logs, as lines: how each begins, goes on, and ends well or badly.

Templates may use {test} {item} {host} {step} {number} (random), {n} (counts up), {clock} (time of
day), {stamp} (syslog's time) and {iso}. A control character is part of what such a log looks like.
"""

from collections.abc import Mapping

from msgspec import Struct


class Body(Struct, frozen=True):
    """One sort of log. `work` is repeated in turn, between `least` and `most` lines of it.

    `in_pairs`: a log that ends well has an even number of them.
    """

    head: tuple[str, ...]
    work: tuple[str, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    least: int = 6
    most: int = 24
    in_pairs: bool = False


_COMPILER = Body(
    head=(
        "+ make -j8 TEST={test} FLAVOUR={item}",
        "toolchain: riscv32-unknown-elf 13.2.0 on {host}",
        "  GEN     build/version.h",
    ),
    work=(
        "  CC      src/boot/entry_{n}.o",
        "  CC      src/drv/uart_{n}.o",
        "  CC      src/drv/spi_{n}.o",
        "  CC      src/hal/clock_{n}.o",
        "  AS      src/boot/vectors_{n}.o",
        "  CC      src/lib/crc32_{n}.o",
    ),
    good=(
        "  LD      build/fw.elf",
        "   text    data     bss     dec filename",
        "  {number}    1204    4096   {number} build/fw.elf",
        "done in step {step}",
    ),
    bad=("step {step} stopped with exit code 2",),
)

_UVM = Body(
    head=(
        "xmsim 23.09: start of test {test} item '{item}' on {host} at {clock}",
        "UVM_INFO @ 0: reporter [RNTST] Running test {test}...",
        "UVM_INFO tb/env.sv(41) @ 0: uvm_test_top.env [BUILD] seed {number}",
    ),
    work=(
        "UVM_INFO tb/driver.sv(88) @ {n}1250: uvm_test_top.env.drv [DRV] burst {n} of 64",
        "UVM_INFO tb/monitor.sv(57) @ {n}1310: uvm_test_top.env.mon [MON] addr=0x{n:08x} len=16",
        "UVM_INFO tb/scoreboard.sv(120) @ {n}1400: uvm_test_top.env.sb [SB] {n} compared, 0 differ",
        "UVM_INFO tb/cover.sv(19) @ {n}1500: uvm_test_top.env.cov [COV] bins hit {n}",
    ),
    good=(
        "UVM_INFO @ 990000: reporter [TEST_DONE] all objections dropped",
        "--- UVM Report Summary ---",
        "UVM_INFO :   42",
        "UVM_WARNING :    0",
        "UVM_ERROR :    0",
        "UVM_FATAL :    0",
        "Simulation complete via $finish(1) at time 990 US",
    ),
    bad=(
        "--- UVM Report Summary ---",
        "UVM_INFO :   31",
        "UVM_WARNING :    0",
        "UVM_ERROR :    1",
        "Simulation stopped, exit code 1",
    ),
    most=30,
)

_PYTEST = Body(
    head=(
        "============================= test session starts ==============================",
        "platform linux -- Python 3.11.9, pytest-8.3.2 ({test} {item})",
        "collected 96 items",
        "",
    ),
    work=(
        "packages/{test}/tests/test_{n:02d}.py ........                             [{percent}%]",
    ),
    good=(
        "",
        "============================== 96 passed in {seconds}s ==============================",
    ),
    bad=("=================== 1 failed, 95 passed in {seconds}s ===================",),
    least=8,
    most=12,
)

_LOGPRO = Body(
    head=("{step}: analysing 214 modules on {host}", "reading waivers from rtl/waivers.cfg"),
    work=(
        "rtl/core/alu_{n}.sv: 0 messages",
        "rtl/noc/router_{n}.sv: 0 messages",
        "rtl/pmu/clock_{n}.sv: note [STYLE] generate block without a name",
    ),
    good=("{step}: finished, no new messages", "LogFileBody end"),
    bad=("{step}: finished, new messages, see above", "LogFileBody end"),
)

_TOOL = Body(
    head=("{iso} [{host}] {test} {step} begins", "{iso} [{host}] settings from {test}.cfg"),
    work=(
        "{iso} [{host}] phase {n}: {number} items read",
        "{iso} [{host}] phase {n}: checked, nothing to note",
        "{iso} [{host}] memory {n}12 MiB, 2 threads",
    ),
    good=("{iso} [{host}] {step} ends, all figures in their limits",),
    bad=("{iso} [{host}] {step} ends with exit code 1",),
)

_SYSLOG = Body(
    head=("{stamp} {host} systemd[1]: Started {test}.service.",),
    work=(
        "{stamp} {host} gunicorn[{number}]: worker {n} ready",
        "{stamp} {host} kernel: [ {n}10.481] usb 1-{n}: new high-speed device",
        "{stamp} {host} CRON[{number}]: (root) CMD (run-parts hourly)",
        "{stamp} {host} sshd[{number}]: Accepted publickey for ci from 10.0.0.{n} port 50{n}2",
    ),
    good=("{stamp} {host} systemd[1]: {test}.service: Succeeded.",),
    bad=("{stamp} {host} {test}[{number}]: gave up, exit code 1",),
)

_ANSI = Body(
    head=("\x1b[1m{test}\x1b[0m: step \x1b[36m{step}\x1b[0m on {host}",),
    work=(
        "\x1b[32m✓\x1b[0m packages/api/mod_{n}.py",
        "\x1b[32m✓\x1b[0m packages/größe/mod_{n}.py",
        "\x1b[2mcached\x1b[0m packages/search/日本語_{n}.py",
    ),
    good=("\x1b[1;32mAll checks passed\x1b[0m in {seconds}s",),
    bad=("\x1b[1;31mfailed\x1b[0m after {seconds}s",),
)

_PROGRESS = Body(
    head=("#1 [internal] load build definition on {host}", "#2 [internal] load .dockerignore"),
    work=("#{n} sha256:{number}{number} {bar}", "#{n} RUN pip install -r requirements-{n}.txt"),
    good=("#99 exporting layers", "#99 naming to shop/{test}:nightly done"),
    bad=("#99 CANCELED",),
    least=8,
    most=14,
)

_MIGRATE = Body(
    head=(
        "{iso},104 [running tools/migrate.py {item}]",
        "{iso},350 [output] ***** Start DB upgrade to state of trunk *****",
    ),
    work=("{iso},412 [output] {schema} -> {schema_next}...", "{iso},907 [output] done"),
    good=(
        "{iso},911 [output] ***** Finished DB upgrade to state of trunk *****",
        "{iso},913 [output] Final schema version is {schema_next}",
        "{iso},920 [script exit code = 0]",
    ),
    bad=("{iso},920 [script exit code = 1]",),
    least=12,
    most=24,
    in_pairs=True,
)

BODIES: Mapping[str, Body] = {
    "compiler": _COMPILER,
    "uvm": _UVM,
    "pytest": _PYTEST,
    "logpro": _LOGPRO,
    "tool": _TOOL,
    "syslog": _SYSLOG,
    "ansi": _ANSI,
    "progress": _PROGRESS,
    "migrate": _MIGRATE,
}
"""Every sort of log by the `kind` of a TestSpec."""
