#!/usr/bin/env python3
"""Builds, checks and times the CUDA library on this machine, within eight minutes, and prints one table last.

    python3 native/cuda/check.py [--out FILE] [--quick] [--build FOLDER] [--minutes 7.5]
    python3 native/cuda/check.py --emulated      the same way without a GPU, at tiny sizes: tests this script

Needs Linux, an NVIDIA GPU and its driver, nvcc 12.8 or later, CMake 3.18 or later and a C++17 compiler. PyTorch for what it is
compared with, compute-sanitizer (it comes with nvcc) for memcheck and racecheck; what is missing is left out and said. No
network, no Node.

What is asked (the last column says whether it holds): every case of the parity list, both sanitizers clean, and of the
card's own ceilings, measured in the same run: pooling 70 % of the copy's bandwidth, the projection 50 % of the rate of PyTorch's
bfloat16 products of the same shapes, the scan for one query 75 % of the copy's bandwidth, 1,024 queries faster than PyTorch's
matmul and topk and than FAISS's GpuIndexFlat where Python has it.

Exit code: 0 all of it holds; 1 something does not, or was not measured; 2 it cannot run here.
"""

import argparse
import datetime
import glob
import importlib.util
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

native = pathlib.Path(__file__).resolve().parent.parent

# What the sanitizers, which slow a kernel down tenfold and more, run of the parity list; "a|b": cases with a or b in their name.
sanitized_cases = (
    "random spans|depend neither|best row of each document|many rows|NaN comes last|int8"
    "|gradients are the CPU's|a step of AdamW|projection"
)
emulated_cases = "a device is counted|random spans"


class Run:
    """What was found so far. Written after every stage, so that a run that is cut off leaves what it has."""

    def __init__(self, out, seconds):
        self.out = out
        self.end = time.monotonic() + seconds
        self.report = {
            "card": None,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": git_commit(),
            "machine": {"processors": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
            "stages": {},
            "measurements": {},
            "table": [],
        }

    def left(self, most):
        return max(0.0, min(most, self.end - time.monotonic()))

    def write(self):
        if self.out is None:
            return
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.out.write_text(json.dumps(self.report, indent=2) + "\n")

    def command(self, name, command, most_seconds, environment=None):
        """Runs a stage. Its words go on as they come; returns them, and None where it failed or ran out of time."""
        limit = self.left(most_seconds)
        started = time.monotonic()
        say(f"== {name} (at most {limit:.0f} s)")
        stage = {"command": " ".join(map(str, command)), "seconds": 0.0, "result": "no time left"}
        self.report["stages"][name] = stage
        words = []
        if limit >= 1:
            stage["result"] = run_process(command, limit, {**os.environ, **(environment or {})}, words)
            stage["seconds"] = round(time.monotonic() - started, 1)
        if stage["result"] not in ("ok", "skipped"):
            stage["last_words"] = words[-15:]
        say(f"== {name}: {stage['result']}, {stage['seconds']} s")
        self.write()
        return words if stage["result"] == "ok" else None

    def measure(self, name, command, most_seconds, environment=None):
        """A stage that prints a line of JSON a measurement."""
        words = self.command(name, command, most_seconds, environment)
        # What was measured before something failed counts.
        for line in words if words is not None else self.report["stages"][name].get("last_words", []):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if "what" in found:
                self.report["measurements"][found.pop("what")] = found
            elif "card" in found:
                self.report["device"] = found
        self.write()


def say(words):
    print(words, flush=True)


def run_process(command, limit, environment, words):
    try:
        process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True,
            errors="replace", start_new_session=True,
        )
    except OSError as error:
        words.append(str(error))
        say(f"   {error}")
        return "could not be started"

    def pass_on():
        for line in process.stdout:
            words.append(line.rstrip("\n"))
            say(f"   {words[-1]}")

    reader = threading.Thread(target=pass_on)
    reader.start()
    try:
        code = process.wait(limit)
        result = {0: "ok", 77: "skipped"}.get(code, f"failed ({code})")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        result = f"not done after {limit:.0f} s"
    reader.join(10)
    return result


def git_commit():
    try:
        found = subprocess.run(["git", "-C", native, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
        return found.stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def find_card():
    """Name and compute capability of the first GPU, as its driver says."""
    try:
        found = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=60,
        )
        name, compute, driver = found.stdout.splitlines()[0].rsplit(", ", 2)
        return {"name": name, "compute": compute, "driver": driver}
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None


def find_tool(name):
    beside_nvcc = os.path.join(os.path.dirname(os.path.realpath(shutil.which("nvcc") or "")), name)
    for path in (shutil.which(name), beside_nvcc, f"/usr/local/cuda/bin/{name}"):
        if path and os.access(path, os.X_OK):
            return path
    return None


def find_cublas():
    """The system's, else the one that PyTorch came with."""
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout if shutil.which("ldconfig") else ""
    if "libcublas.so" in listed:
        return None
    for folder in sys.path:
        for path in sorted(glob.glob(os.path.join(folder, "nvidia", "*", "lib", "libcublas.so.*")), reverse=True):
            return path
    return None


def kernel_tests():
    """Programs that test kernels without the library around them. (The emulation's own test is nothing for a GPU.)"""
    names = sorted(path.name.removesuffix("_test.cu") for path in (native / "cuda" / "test").glob("*_test.cu"))
    return [name for name in names if name != "emulation"]


def has(module):
    # A folder of that name is a module too, of nothing: native/faiss, where this is run beside it.
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None


def check(arguments):
    card = {"name": "emulated GPU"} if arguments.emulated else find_card()
    if card is None or not arguments.emulated and not shutil.which("nvcc") or not shutil.which("cmake"):
        say(
            "cannot run here: needs an NVIDIA GPU with its driver (nvidia-smi lists it), nvcc 12.8 or later, CMake 3.18 or later and "
            f"a C++17 compiler. Found: GPU {card and card['name']}, nvcc {shutil.which('nvcc')}, cmake {shutil.which('cmake')}. "
            "Without a GPU: --emulated tests this script."
        )
        return 2
    name = re.sub(r"[^a-z0-9]+", "-", card["name"].lower()).strip("-")
    out = pathlib.Path(arguments.out) if arguments.out else native / "cuda" / "results" / f"{name}.json"
    if arguments.emulated and not arguments.out:
        out = None
    run = Run(out, arguments.minutes * 60)
    run.report["card"] = card["name"]
    run.report["driver"] = card.get("driver")
    say(f"{card['name']}, results in {out}")

    folder = pathlib.Path(arguments.build) if arguments.build else native / f"build-check-{name}"
    if not arguments.build and not build(run, folder, card, arguments):
        say("nothing was built, so nothing can be checked")
        return 1
    check_parity(run, folder, arguments)
    take_times(run, folder, arguments)
    if not arguments.emulated:
        sanitize(run, folder, arguments)
    return table(run, arguments)


def build(run, folder, card, arguments):
    # Which of the two is there; each is told to go on where one file fails.
    generator, go_on = ("Ninja", ["-k", "0"]) if shutil.which("ninja") else ("Unix Makefiles", ["-k"])
    configure = ["cmake", "-S", native, "-B", folder, "-G", generator, "-DCMAKE_BUILD_TYPE=Release"]
    if arguments.emulated:
        configure.append("-DNER_RETRIEVER_CUDA=OFF")
        targets = ["cuda_test", "cuda_bench_emulated"]
    else:
        configure.append(f"-DNER_RETRIEVER_CUDA_ARCHITECTURES={card['compute'].replace('.', '')}-real")
        targets = ["cuda_test", "cuda_bench", *(f"cuda_{name}_test" for name in kernel_tests())]
    if run.command("configure", configure, 90) is None:
        return False
    jobs = os.cpu_count() or 2
    run.command("build", ["cmake", "--build", folder, "-j", jobs, "--target", *targets, "--", *go_on], 300)
    library = folder / "cuda" / ("emulation/ner_retriever_cuda_emulated.so" if arguments.emulated else "ner_retriever_cuda.so")
    return library.exists()


def parity_programs(folder, arguments):
    tests = folder / "cuda" / "test"
    if arguments.emulated:
        return {"parity": [tests / "cuda_test", folder / "cuda" / "emulation" / "ner_retriever_cuda_emulated.so"]}
    return {
        "parity": [tests / "cuda_test", folder / "cuda" / "ner_retriever_cuda.so"],
        **{f"kernels {name}": [tests / f"cuda_{name}_test"] for name in kernel_tests()},
    }


def check_parity(run, folder, arguments):
    few = {"NER_RETRIEVER_TEST_ONLY": emulated_cases} if arguments.emulated else {}
    for name, program in parity_programs(folder, arguments).items():
        run.command(name, program, 120, few)


def take_times(run, folder, arguments):
    program = folder / "cuda" / "bench" / ("cuda_bench_emulated" if arguments.emulated else "cuda_bench")
    sizes = ["--small", "--repeats", 2] if arguments.emulated else ["--repeats", 5] if arguments.quick else []
    rows = ["--rows", 2_000_000] if arguments.quick and not arguments.emulated else []
    cublas = find_cublas()
    for stage in ("copy", "pooling", "projection", "projection-cublas", "search", "training"):
        if stage == "projection-cublas" and arguments.emulated:
            continue
        more = ["--blas", cublas] if stage == "projection-cublas" and cublas else []
        run.measure(f"bench {stage}", [program, stage, *sizes, *rows, *more], 90)
    if arguments.emulated:
        return
    if not has("torch"):
        say("== PyTorch is not here: what it is compared with is left out")
        return
    for stage in ("copy", "matmul", "search", "training"):
        run.measure(f"torch {stage}", [sys.executable, __file__, "--torch", stage, *(["--quick"] if arguments.quick else [])], 90)
    if has("faiss"):
        run.measure("faiss", [sys.executable, __file__, "--torch", "faiss", *(["--quick"] if arguments.quick else [])], 120)
    else:
        say("== Python has no faiss: GpuIndexFlat is left out")


def sanitize(run, folder, arguments):
    sanitizer = find_tool("compute-sanitizer")
    if sanitizer is None:
        say("== compute-sanitizer is not here: memcheck and racecheck are left out")
        return
    programs = parity_programs(folder, arguments)
    tools = ("memcheck", "racecheck")
    # The runtime's kernels are there to be slow, to run out of memory and to fail; its cases are about the host.
    planned = [(tool, name) for name in reversed(programs) if name != "kernels runtime" for tool in tools]
    for place, (tool, name) in enumerate(planned):
        # Errors of calls are left out: cases ask for more memory than there is, and are told so.
        quiet = ["--report-api-errors", "no"] if tool == "memcheck" else []
        command = [sanitizer, "--tool", tool, "--error-exitcode", 9, *quiet, *programs[name]]
        share = run.left(1e9) / (len(planned) - place) * (2 if name == "parity" else 1)
        run.command(f"{tool} {name}", command, min(share, run.left(1e9)), {"NER_RETRIEVER_TEST_ONLY": sanitized_cases if name == "parity" else ""})


def table(run, arguments):
    measurements, stages = run.report["measurements"], run.report["stages"]
    rows = []

    def line(what, measured, ceiling="", ratio="", asked="", holds=None):
        rows.append({"what": what, "measured": measured, "ceiling": ceiling, "ratio": ratio, "asked": asked, "holds": holds})

    def rate(what, of):
        found = measurements.get(what)
        return found and found.get(of) and found[of] / (found["median_ms"] / 1e3)

    def held(what, of, ceiling, unit, scale, least):
        found = rate(what, of)
        if not found:
            line(what, "not measured", asked=f">= {least:.0%}", holds=False)
        elif not ceiling:
            line(what, f"{found / scale:.2f} {unit}", "not measured", asked=f">= {least:.0%}", holds=False)
        else:
            share = found / ceiling
            line(what, f"{found / scale:.2f} {unit}", f"{ceiling / scale:.2f} {unit}", f"{share:.0%}", f">= {least:.0%}", share >= least)

    def faster(what, than, required):
        ours, theirs = measurements.get(what), measurements.get(than)
        if not ours or not theirs:
            if required:
                line(f"{what} : {than}", "not measured", asked="faster", holds=False)
            return
        factor = theirs["median_ms"] / ours["median_ms"]
        line(f"{what} : {than}", f"{ours['median_ms']:.3f} ms", f"{theirs['median_ms']:.3f} ms", f"{factor:.2f} x faster",
             "faster" if required else "", factor > 1 if required else None)

    for name, stage in stages.items():
        if name.split()[0] in ("parity", "kernels", "memcheck", "racecheck"):
            line(name, stage["result"], asked="ok", holds=stage["result"] == "ok")
    if arguments.emulated:
        for what, found in measurements.items():
            line(what, f"{found['median_ms']:.3f} ms")
    else:
        if not any(name.startswith("memcheck") for name in stages):
            line("memcheck, racecheck", "not run", asked="ok", holds=False)
        bandwidth = max(filter(None, (rate("copy", "bytes"), rate("torch copy", "bytes"))), default=None)
        # The padded shapes count by what was asked for, so that the faster of both is the ceiling.
        products = max(filter(None, (rate("torch matmul 500", "operations"), rate("torch matmul 512", "operations"))), default=None)
        line("copy, read and written", f"{bandwidth / 1e12:.2f} TB/s" if bandwidth else "not measured")
        cube = rate("torch matmul 8192", "operations")
        line("bfloat16 matmul 8192^3", f"{cube / 1e12:.0f} TFLOP/s" if cube else "not measured")
        for kind in ("last", "first", "mean", "first+last"):
            held(f"pooling {kind}", "bytes", bandwidth, "TB/s", 1e12, 0.70)
            held(f"pooling {kind} to bfloat16", "bytes", bandwidth, "TB/s", 1e12, 0.70)
        held("projection by own kernels", "operations", products, "TFLOP/s", 1e12, 0.50)
        if rate("projection by cuBLAS", "operations"):
            held("projection by cuBLAS", "operations", products, "TFLOP/s", 1e12, 0.50)
        held("search 1 query", "bytes", bandwidth, "TB/s", 1e12, 0.75)
        faster("search 8 queries", "torch search 8 queries", False)
        faster("search 1024 queries", "torch search 1024 queries", True)
        faster("search 1024 queries", "faiss search 1024 queries", has("faiss"))
        faster("training step", "torch training step", False)
        if arguments.quick:
            line("--quick", "2 M rows, 5 repeats: not what is asked", holds=False)
    run.report["table"] = rows
    run.write()

    columns = ("what", "measured", "ceiling", "ratio", "asked")
    widths = {column: max([len(column)] + [len(row[column]) for row in rows]) for column in columns}
    say("")
    say("  ".join(column.ljust(widths[column]) for column in columns) + "  holds?")
    for row in rows:
        words = {True: "yes", False: "NO", None: ""}[row["holds"]]
        say("  ".join(row[column].ljust(widths[column]) for column in columns) + "  " + words)
    return 0 if all(row["holds"] is not False for row in rows) else 1


# --- what it is compared with; a process of its own for each, so that memory and failures stay apart ---


def compare(stage, quick):
    import torch

    torch.manual_seed(1)
    device = torch.device("cuda")

    def timed(work, repeats):
        for turn in range(2):
            work(turn)
        torch.cuda.synchronize()
        times = []
        for turn in range(5 if quick else repeats):
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            work(turn)
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end))
        return times

    def tell(what, times, **more):
        print(json.dumps({"what": what, "median_ms": statistics.median(times), "least_ms": min(times), "most_ms": max(times),
                          "repeats": len(times), **more}), flush=True)

    def random(*shape):
        return torch.rand(*shape, device=device, dtype=torch.bfloat16) * 2 - 1

    if stage == "copy":
        pair = [torch.rand(1 << 30, device=device), torch.empty(1 << 30, device=device)]
        tell("torch copy", timed(lambda turn: pair[1 - turn % 2].copy_(pair[turn % 2]), 21), bytes=2 * (4 << 30))

    if stage == "matmul":
        count = 1_000_000
        useful = 2 * count * (1024 * 500 + 500 * 500)
        rows = random(count, 1024)
        for width in (500, 512):
            first, second = random(width, 1024).t(), random(width, width).t()
            hidden, out = (torch.empty(count, width, device=device, dtype=torch.bfloat16) for _ in range(2))

            def both(_):
                torch.mm(rows, first, out=hidden)
                torch.mm(hidden, second, out=out)

            tell(f"torch matmul {width}", timed(both, 15), operations=useful)
        left, right = random(8192, 8192), random(8192, 8192)
        tell("torch matmul 8192", timed(lambda _: torch.mm(left, right), 15), operations=2 * 8192**3)

    if stage in ("search", "faiss"):
        count, dimensions, limit = 2_000_000 if quick else 10_000_000, 500, 100
        queries = [random(1024, dimensions) for _ in range(4)]

    if stage == "search":
        rows = torch.empty(count, dimensions, device=device, dtype=torch.bfloat16)
        for part in rows.split(1_000_000):
            part.copy_(random(*part.shape))

        def search(some, piece):
            best_scores, best_rows = [], []
            for begin in range(0, count, piece):
                scores, places = torch.topk(some @ rows[begin : begin + piece].t(), limit, dim=1)
                best_scores.append(scores)
                best_rows.append(places + begin)
            scores, places = torch.topk(torch.cat(best_scores, 1), limit, dim=1)
            return scores, torch.cat(best_rows, 1).gather(1, places)

        for many, pieces in ((1, (1_000_000, 10_000_000)), (8, (1_000_000, 10_000_000)), (1024, (131_072, 500_000, 1_000_000))):
            # The best of several sizes of pieces.
            tries = [(timed(lambda turn: search(queries[turn % 4][:many], piece), 7), piece) for piece in pieces]
            times, piece = min(tries, key=lambda found: statistics.median(found[0]))
            tell(f"torch search {many} {'query' if many == 1 else 'queries'}", times, rows=count, piece=piece)

    if stage == "faiss":
        import faiss

        resources = faiss.StandardGpuResources()
        configuration = faiss.GpuIndexFlatConfig()
        configuration.useFloat16 = True
        index = faiss.GpuIndexFlatIP(resources, dimensions, configuration)
        for _ in range(0, count, 500_000):
            index.add(random(500_000, dimensions).float().cpu().numpy())
        given = [some.float().cpu().numpy() for some in queries]
        times = []
        for turn in range(7):
            started = time.perf_counter()
            index.search(given[turn % 4], limit)
            times.append((time.perf_counter() - started) * 1e3)
        tell("faiss search 1024 queries", times[2:], rows=count)

    if stage == "training":
        from torch import nn
        from torch.nn import functional

        table = torch.rand(100_000, 1024, device=device) * 2 - 1
        head = nn.Sequential(nn.Linear(1024, 500), nn.SiLU(), nn.Dropout(0.1), nn.Linear(500, 500)).to(device)
        adamw = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01, fused=True)

        def step(_):
            chosen = torch.randint(100_000, (128, 6), device=device)
            vectors = functional.normalize(head(table[chosen.flatten()]), dim=1).view(128, 6, 500)
            scores = torch.einsum("ed,end->en", vectors[:, 0], vectors[:, 1:]) / 0.05
            loss = functional.cross_entropy(scores, torch.zeros(128, dtype=torch.long, device=device))
            adamw.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            adamw.step()

        tell("torch training step", timed(step, 51), rows=768)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="where the results go; default native/cuda/results/CARD.json")
    parser.add_argument("--quick", action="store_true", help="fewer rows and repeats: to see whether it runs")
    parser.add_argument("--emulated", action="store_true", help="without a GPU, to test this script; writes nothing without --out")
    parser.add_argument("--build", help="a folder where it was built already")
    parser.add_argument("--minutes", type=float, default=7.5)
    parser.add_argument("--torch", choices=("copy", "matmul", "search", "faiss", "training"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch:
        return compare(arguments.torch, arguments.quick)
    return check(arguments)


if __name__ == "__main__":
    sys.exit(main())
