"""Files that hold a worker for ten seconds and more: one begun last is waited for by all others."""

LONG = (
    "browser/test_axe.py",
    "browser/test_layout.py",
    "browser/test_policy.py",
    "build/test_incremental.py",
    "build/test_time_limit.py",
    "build/test_generations.py",
    "archive/test_far_faults.py",
    "archive/test_power_cut.py",
    "archive/test_moves_machine.py",
    "sample/test_demo.py",
)
