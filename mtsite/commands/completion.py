"""`mtsite completion`: what makes a shell complete commands and options."""

import click
from click.shell_completion import ShellComplete, get_completion_class

from mtsite.invocation import Invocation, exits

VARIABLE = "_MTSITE_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command(epilog=exits())
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_obj
def command(invocation: Invocation, shell: str) -> None:
    """Print the script that makes a shell complete commands and options.

    bash: eval "$(mtsite completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc, after
    compinit; fish: mtsite completion fish > ~/.config/fish/completions/mtsite.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    root = click.get_current_context().find_root().command
    # Without the look at the version of this host's bash: the script may be for another.
    script = ShellComplete.source(made(root, {}, "mtsite", VARIABLE))
    if invocation.as_json:
        invocation.print_json("completion", {"shell": shell, "script": script})
    else:
        click.echo(script)
