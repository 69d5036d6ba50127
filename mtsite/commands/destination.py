"""`mtsite destination`: what a bucket should be told before the first publish."""

import json

import click

from mtsite.invocation import Invocation, exits


@click.group()
def command() -> None:
    """Prepare the place that the site is published to."""


@command.command(epilog=exits(12))
@click.option(
    "--public-read", is_flag=True, help="Let anyone read below the prefix; else it is private."
)
@click.option("--apply", "applies", is_flag=True, help="Give the documents to the server.")
@click.pass_obj
def setup(invocation: Invocation, public_read: bool, applies: bool) -> None:
    """Print the bucket policy, CORS and lifecycle rules for [publish] destination.

    Nothing is changed without --apply, and nothing that stands there is replaced by it. Without
    --public-read only who has a key can read: share by a proxy with login, a VPN or presigned
    links (docs/hosting.md).
    """
    from mtsite.publish.s3 import S3
    from mtsite.publish.setup import apply_setup, plan_setup

    settings = invocation.config().publish
    planned = plan_setup(settings.destination, public_read=public_read)
    done: list[tuple[str, str]] = []
    if applies:
        done = S3(settings.destination, settings).administer(
            lambda client: apply_setup(client, planned)
        )
    if invocation.as_json:
        document = {**planned.as_json(), "applied": [list(each) for each in done]}
        invocation.print_json("destination-setup", document)
        return
    if applies:
        invocation.print_table(done)
        return
    for title, content in planned.as_json().items():
        if title != "bucket" and content is not None:
            invocation.print(f"# {title.replace('_', ' ')} of {planned.bucket}")
            print(json.dumps(content, indent=1))
