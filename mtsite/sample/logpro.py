"""What logpro leaves beside a step's log: the annotated page and the machine-readable summary."""

from html import escape

from mtsite.sample.history import SampleStep, SampleTest

_EXIT_CODES = {"PASS": 0, "FAIL": 1, "WARN": 2, "CHECK": 3, "WAIVED": 4, "ABORT": 5, "SKIP": 6}
_COLOURS = {"ERROR": "red", "WARNING": "orange", "FATAL": "red"}


def annotated(test: SampleTest, step: SampleStep, log: bytes) -> bytes:
    """`<step>.html`: the log again, with the lines coloured that a rule took."""
    rows = []
    for number, line in enumerate(log.decode("utf-8", "replace").splitlines(), 1):
        text = escape(line)
        colour = next((colour for word, colour in _COLOURS.items() if word in line), "")
        if colour:
            text = f'<a name="{number}"></a><font color="{colour}">{text}</font>'
        rows.append(text)
    head = (
        f"<html><head><title>{escape(step.name)}.html</title></head><body>\n"
        f"<h1>Logpro: {escape(test.spec.name)} {escape(step.name)}</h1>\n"
        f"<p>Expect: errors = 0 in LogFileBody. Outcome: <b>{escape(test.status)}</b></p>\n<pre>\n"
    )
    return (head + "\n".join(rows) + "\n</pre></body></html>\n").encode()


def summary(test: SampleTest) -> bytes:
    """`<step>.dat`: one section per rule and the final verdict."""
    bad = 1 if test.status not in {"PASS", "SKIP"} else 0
    status = test.status if test.status in _EXIT_CODES else "FAIL"
    lines = (
        "[rule-0]",
        "operator =",
        "section LogFileBody",
        "desc New messages",
        f"status {status}",
        "expected 0",
        f"measured {bad}",
        "type expect:error",
        "tolerance 0",
        f"pass {1 - bad}",
        f"fail {bad}",
        "",
        "[final]",
        f"exit-code {_EXIT_CODES[status]}",
        f"exit-status {status}",
        f"message {bad if bad else 'no'} new messages",
    )
    return ("\n".join(lines) + "\n").encode()
