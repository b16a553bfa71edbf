"""The group of commands: loads each on its first use, and ends a run in one of few ways."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import Any, Final, NoReturn, TextIO

import click

from interstore.errors import InterstoreError
from interstore.nearest import did_you_mean
from interstore.warnings import InterstoreWarning

__all__ = ["FAILED", "INTERRUPTED", "LazyGroup", "fail"]

FAILED: Final = 1
"""The exit code of wrong usage and of what could not be done."""

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""

PIPE_CLOSED: Final = 141
"""The exit code when the reader of the output has gone, as shells have it."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called.

    Args:
        commands_in: the package of the commands' modules.
        lazy: for each command its module and name in it, and its help in the list of all.
        brought: the commands of Interstore's own plugins, and the plugin of each.
    """

    def __init__(
        self,
        *args: Any,
        commands_in: str,
        lazy: Mapping[str, tuple[str, str]],
        brought: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._package = commands_in
        self._lazy = lazy
        self._brought = brought or {}

    @cached_property
    def _plugged(self) -> dict[str, click.Command]:
        """The commands that the plugins in use bring, by name."""
        if "INTERSTORE_PLUGINS" not in os.environ and not os.path.isfile(".env"):
            return {}  # known without importing what reads settings
        from interstore.connection import plugins_in_force
        from interstore.plugins.discovery import broken

        found: dict[str, click.Command] = {}
        for active in plugins_in_force():
            for command in active.call("interstore_commands") or ():
                name = command.name or ""
                if name in self._lazy or name in found:
                    raise broken(
                        active.name,
                        active.plugin.package,
                        f"it brings a command {name!r}, which there is already",
                    )
                found[name] = command
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._lazy, *self._plugged]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return self._plugged.get(cmd_name)
        module, name = self._lazy[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(f"{self._package}.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._lazy and not name.startswith("-") and name not in self._plugged:
            if name in self._brought:
                ctx.fail(
                    f"the command {name!r} is of the plugin {self._brought[name]!r}: name it in "
                    f"INTERSTORE_PLUGINS"
                )
            ctx.fail(f"there is no command {name!r}{did_you_mean(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items()])
        try:
            plugged = self._plugged
        except InterstoreError as error:
            formatter.write_paragraph()
            formatter.write_text(f"Of plugins: {error}")
            return
        if plugged:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(
                    [(name, command.get_short_help_str(80)) for name, command in plugged.items()]
                )

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _give_up_stdout()
            ctx.exit(PIPE_CLOSED)
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and exit; without `standalone_mode`, return the exit code."""

        def run() -> Any:
            return super(LazyGroup, self).main(
                args, prog_name, complete_var, standalone_mode=False, **extra
            )

        if not standalone_mode:
            return run()
        with _shown_warnings():
            sys.exit(_exit_code(run))


def _exit_code(run: Any) -> int:
    try:
        code = run()
    except click.ClickException as error:
        error.show()
        return FAILED
    except click.Abort as error:
        interrupted = isinstance(error.__cause__, KeyboardInterrupt)
        click.echo("interrupted" if interrupted else "not done", err=True)
        return INTERRUPTED if interrupted else FAILED
    except InterstoreError as error:
        click.echo(f"interstore: {error}", err=True)
        return FAILED
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"interstore: {error.filename}: {error.strerror}", err=True)
        return FAILED
    return code if isinstance(code, int) else 0


def _give_up_stdout() -> None:
    """Let nothing be written to a pipe that nobody reads, not even at the interpreter's exit."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextmanager
def _shown_warnings() -> Generator[None]:
    """Show our warnings as lines for people, each time."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, InterstoreWarning):
            click.echo(f"warning: {message}", err=True)
        else:
            shown(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        shown = warnings.showwarning
        warnings.simplefilter("always", InterstoreWarning)
        warnings.showwarning = show
        yield


def fail(message: str) -> NoReturn:
    """End the command: it could not be done."""
    raise InterstoreError(message)
