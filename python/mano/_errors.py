"""Errors of mano. Each message is one line: what, where, the value received, what to do."""


class Error(Exception):
    """Any error of mano."""


class InputError(Error, ValueError):
    """The input cannot be used; the program's exit status 2."""


class MissingPart(InputError):
    """A part that was not built, or a package that is not installed, was asked for."""


class RunError(Error, RuntimeError):
    """The run itself failed, for example a solve that does not converge; the program's exit status 1."""
