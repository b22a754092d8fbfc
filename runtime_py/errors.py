"""What can go wrong in a session: one class a cause, with a message fit to be printed as it is."""

import re


class SessionError(RuntimeError):
    """The base of everything that this runtime raises on purpose."""


class ArtifactError(SessionError):
    """The compiled folder is missing something, damaged, or of another version."""


class MissingFileError(ArtifactError):
    """A file of an artifact is not there."""


class AdapterError(SessionError):
    """No adapter, or one that lacks what the model needs."""


class InputError(SessionError, ValueError):
    """A name, shape or dtype given to a session that the model does not have."""


class DeviceLostError(SessionError):
    """The GPU device went away; the session can't be used again."""


def tidy(error: BaseException) -> str:
    """The text of a wgpu error without its empty lines and standing phrases."""
    lines = [line.rstrip() for line in str(error).splitlines()]
    content = [line for line in lines if line.strip() not in ("", "Validation Error", "Caused by:")]
    return "\n".join(content).strip() or type(error).__name__


def from_gpu(error: BaseException, where: str) -> SessionError:
    """The error to raise for what wgpu reported while doing `where` (a kernel's name, a step)."""
    text = tidy(error)
    if re.search("device (is )?lost", text.lower()):
        return DeviceLostError(
            f"{where}: the GPU device was lost ({text.splitlines()[-1].strip()}); "
            "close this session and make a new InferenceSession"
        )
    return SessionError(f"{where}: {text}")
