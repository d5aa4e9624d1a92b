"""One clear sentence for bad input: what is wrong, where, and what to do; the traceback goes to the log."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Callable


class InputError(Exception):
    """Input that a user can mend. ``str()`` is the whole message: what (where). fix."""

    def __init__(self, what: str, where: str | None = None, fix: str | None = None):
        self.what, self.where, self.fix = what, where, fix
        text = _ended(f"{what.rstrip('.')} ({where})" if where else what)
        super().__init__(f"{text} {_ended(fix)}" if fix else text)


def _ended(text: str) -> str:
    """A sentence with one mark at its end: its question or exclamation mark, else a full stop."""
    text = text.rstrip(".")
    return text if text.endswith(("?", "!")) else text + "."


def explain_os_error(error: OSError) -> InputError:
    """Turn an operating-system error (disk full, no permission, ...) into a sentence with the file's name."""
    name = str(error.filename) if error.filename else "a file of the build"
    if error.errno == errno.ENOSPC:
        return InputError("No space left on the disk", name, "Free some space and run the same command again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return InputError(
            "The folder or file cannot be written or read",
            name,
            "Give yourself the right to it, or build elsewhere",
        )
    if error.errno == errno.ENOENT:
        return InputError("A file that the build needs is not there", name, "Restore it, then run the command again")
    return InputError(f"The system refused a file operation: {error.strerror}", name)


def script_main(main: Callable[[], None]) -> None:
    """Run a script's ``main``; on input errors print one ``error:`` line below the traceback and exit 1.

    Rules send stderr to their log, and the build shows the user only the log's ``error:`` line.
    """
    try:
        main()
    except InputError as error:
        traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        traceback.print_exc()
        print(f"error: {explain_os_error(error)}", file=sys.stderr)
        sys.exit(1)
