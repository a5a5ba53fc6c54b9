"""Commands run and timed, and their figures printed beside their limits."""
import os, statistics, subprocess, sys, time
from dataclasses import dataclass

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
RELEASE = "integration-api-management"
ENVIRONMENT = {
    **os.environ,
    "KUBECONFIG": f"{ROOT}/target/sandbox/kubeconfig",
    "PATH": f"{ROOT}/target/release:{ROOT}/target/sandbox/bin:{os.environ['PATH']}",
    "HELM_DATA_HOME": f"{ROOT}/target/helm/data",
    "HELM_CONFIG_HOME": f"{ROOT}/target/helm/config",
    "HELM_CACHE_HOME": f"{ROOT}/target/helm/cache",
}
# What `verify` ends with when it could judge, whatever it found.
JUDGED = (0, 3, 4)


@dataclass
class Run:
    seconds: float
    memory: float  # MiB, the peak of the process
    output: str
    code: int


def timed(command, accepted=(0,), **options):
    """One run, from start to end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=ENVIRONMENT, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options
    )
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if accepted is not None and process.returncode not in accepted:
        sys.exit(f"error: `{' '.join(command)}` ended with {process.returncode}")
    return Run(seconds, usage.ru_maxrss / 1024, output, process.returncode)


def text_of(command, **options):
    ran = subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, **options)
    if ran.returncode != 0:
        sys.exit(f"error: `{' '.join(command)}` ended with {ran.returncode}: {ran.stderr.strip()}")
    return ran.stdout


def in_turn(runs, *commands, accepted=(0,)):
    """Runs the commands A B A B …, after one warm-up each: a list of runs for each command."""
    measured = [[] for _ in commands]
    for number in range(runs + 1):
        for figures, command in zip(measured, commands):
            run = timed(command, accepted)
            if number > 0:
                figures.append(run)
    return measured


def median(values):
    return statistics.median(values)


class Figures:
    def __init__(self):
        self.all = self.within = 0

    def show(self, what, value, unit, most=None, least=None):
        """Prints a figure; one with a limit counts."""
        line = f"{what:<58} {value:9.2f} {unit:<5}"
        if most is not None or least is not None:
            good = value <= most if most is not None else value >= least
            self.all += 1
            self.within += good
            limit = f"at most {most:g}" if most is not None else f"at least {least:g}"
            line += f" {limit} {unit:<5} {'ok' if good else 'MISSED'}"
        print(line, flush=True)
