"""popeye, the sanitizer of clusters that many know, run once within bounds: it may take more memory than a machine has."""
import os, signal, subprocess, threading, time
from dataclasses import dataclass

from figures import ENVIRONMENT, ROOT

MODULE, VERSION = "github.com/derailed/popeye", "v0.22.1"
MEMORY = 16 * 2**30
# Longer than forty times what `verify` may take; what it has taken by then is a lower bound.
LONGEST = 600


@dataclass
class Taken:
    seconds: float
    memory: float  # MiB
    ended: str


def run(namespace):
    program = built()
    group = Group(f"apimgmt-bench-{os.getpid()}")
    command = [program, "--namespace", namespace, "--out", "json", "--force-exit-zero"]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=group.enter
    )
    alarm = threading.Timer(LONGEST, process.kill)
    alarm.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    alarm.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    group.remove()
    if seconds >= LONGEST:
        ended = f", stopped after {LONGEST} s"
    elif process.returncode == -signal.SIGKILL:
        ended = f", ended by the limit of {MEMORY // 2**30} GiB"
    else:
        ended = "" if process.returncode == 0 else f", ended with {process.returncode}"
    return Taken(seconds, usage.ru_maxrss / 1024, ended)


def built():
    folder = f"{ROOT}/target/tools/popeye-{VERSION}"
    program = f"{folder}/popeye"
    if not os.path.exists(program):
        # By a module of its own: `go install` asks for the newest version too, and not every proxy has that.
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/go.mod", "w") as module:
            module.write(f"module popeye-for-bench\n\ngo 1.23\n\nrequire {MODULE} {VERSION}\n")
        subprocess.run(
            ["go", "build", "-mod=mod", "-o", program, MODULE],
            cwd=folder,
            env={**os.environ, "CGO_ENABLED": "0"},
            check=True,
        )
    return program


class Group:
    """A control group that bounds memory, of either version."""

    def __init__(self, name):
        first = os.path.isdir("/sys/fs/cgroup/memory")
        self.folder = f"/sys/fs/cgroup/memory/{name}" if first else f"/sys/fs/cgroup/{name}"
        os.mkdir(self.folder)
        with open(f"{self.folder}/{'memory.limit_in_bytes' if first else 'memory.max'}", "w") as limit:
            limit.write(str(MEMORY))

    def enter(self):
        with open(f"{self.folder}/cgroup.procs", "w") as processes:
            processes.write(str(os.getpid()))

    def remove(self):
        os.rmdir(self.folder)
