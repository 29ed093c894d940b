"""Start one program so that it cannot outlive the process that asked for it.

This file is run as a script (`python -I -S launcher.py …`), never imported by the application:
a fresh interpreter is the only place where identity, death signal and working directory can be
set without running Python between fork and exec of a process that may have threads.

    launcher.py exec  PARENT SIGNAL IDENTITY PROGRAM [ARGUMENT…]
    launcher.py guard PARENT SIGNAL IDENTITY PROGRAM [ARGUMENT…]

`exec` becomes the program. `guard` stays as its parent, and when the program or the supervisor
has gone it ends every process the program left behind (pool children, web workers).
"""

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

NOBODY = 65534
GRACE_SECONDS = 2
ASKING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWUSER = 0x10000000


def main(arguments: list[str]) -> None:
    """Carry out the command line described at the top of this file."""
    mode, parent, death_signal, identity, *command = arguments
    take_identity(identity)
    if mode == "exec":
        os.chdir("/")
        os.umask(0o077)
        die_with(int(parent), int(death_signal))
        os.execv(command[0], command)  # noqa: S606  that is what a launcher is for
    sys.exit(guard(command, parent=int(parent)))


def take_identity(identity: str) -> None:
    """Give up root: PostgreSQL refuses to run as root.

    "nobody" changes the user for good. "namespace" keeps the kernel's idea of the user, and thus
    access to files below a 0700 directory of root, but has no capabilities and answers
    getuid() with 65534. "self" changes nothing.
    """
    if identity == "nobody":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    elif identity == "namespace":
        _enter_user_namespace()


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not permitted here")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel for `death_signal` when the parent dies.

    Must come after setuid, which clears the request. Only Linux has it: on macOS a supervisor
    that is killed with SIGKILL leaves its servers running, and the next start ends them.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)


def guard(command: list[str], *, parent: int) -> int:
    """Run the command, pass signals on to it, and leave no descendant behind.

    SIGHUP ends everything at once. When the supervisor dies, the program is asked to stop and
    ended after GRACE_SECONDS. Returns its exit code, 128 + n when signal n ended it.
    """
    watched = {signal.SIGCHLD, signal.SIGALRM, signal.SIGHUP, *ASKING}
    signal.signal(signal.SIGCHLD, lambda *_: None)  # a signal that is ignored cannot be awaited
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    if sys.platform == "linux":
        # Orphans of the program become our children, so they can be found and ended.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    us = os.getpid()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, watched)
        die_with(us, signal.SIGKILL)
        os.execv(command[0], command)  # noqa: S606
    die_with(parent, signal.SIGTERM)
    while (code := _exit_code(child)) is None:
        received = signal.Signals(signal.sigwait(watched))
        if received in {signal.SIGHUP, signal.SIGALRM}:
            os.kill(child, signal.SIGKILL)
        elif received in ASKING:
            os.kill(child, received)
            if os.getppid() != parent:  # sent by the kernel: the supervisor is dead
                signal.alarm(GRACE_SECONDS)
    _end_descendants()
    return code


def _exit_code(child: int) -> int | None:
    """Collect whoever has ended; return the child's exit code once it is among them."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        if pid == 0:
            return None


def _end_descendants() -> None:
    """SIGKILL every child until none is left; grandchildren become children as theirs die.

    Without /proc (macOS) there is nothing to find them by, and nothing happens.
    """
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while True:
        with contextlib.suppress(FileNotFoundError):
            for pid in children.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main(sys.argv[1:])
