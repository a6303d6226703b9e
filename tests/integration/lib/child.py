"""What is handed to subprocess.Popen as preexec_fn: a test that is killed leaves no server behind."""
import ctypes
import signal

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)  # loaded here: nothing may be imported between fork and exec


def die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
