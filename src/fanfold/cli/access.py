"""The options by which a command reaches a KFP backend."""

from __future__ import annotations

import functools
import inspect
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fanfold.client import Kfp

PANEL = "Access"

SECRETS = frozenset({"token", "cookies"})


@dataclass(frozen=True)
class Reach:
    """Connects to the backend that the options of a command name."""

    options: Mapping[str, str]

    def __call__(self) -> Kfp:
        """The backend, which has answered."""
        from fanfold.client import connect

        return connect(**self.options)

    def again(self) -> str:
        """The options that were given, as one types them; those that are secret are left out."""
        given = {name: each for name, each in self.options.items() if each and name not in SECRETS}
        return "".join(
            f" --{name.replace('_', '-')} {shlex.quote(each)}" for name, each in given.items()
        )


def _access(name: str, about: str, metavar: str, envvar: str | None = None) -> inspect.Parameter:
    option = typer.Option(metavar=metavar, envvar=envvar, help=about, rich_help_panel=PANEL)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default="", annotation=Annotated[str, option])


ACCESS = (
    _access("host", "KFP's address: http://localhost:8080.", "URL", "KF_PIPELINES_ENDPOINT"),
    _access("namespace", "Yours, where KFP has several users.", "NAME"),
    _access("token", "Bearer token.", "TEXT", "FANFOLD_TOKEN"),
    _access("cookies", "Cookies of a session.", "TEXT", "FANFOLD_COOKIES"),
    _access("ca_cert", "Certificates of authorities to trust.", "FILE"),
)
"""The options, beside what kfp.Client finds by itself."""


def reaches_kfp(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of `ACCESS`; it is passed what connects by them, as `reach`."""

    @functools.wraps(command)
    def wrapper(**values: Any) -> None:
        command(reach=Reach({each.name: values.pop(each.name) for each in ACCESS}), **values)

    own = inspect.signature(command, eval_str=True).parameters.values()
    kept = [each for each in own if each.name != "reach"]
    keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in kept]
    wrapper.__signature__ = inspect.Signature([*keywords, *ACCESS])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in keywords}
    return wrapper
